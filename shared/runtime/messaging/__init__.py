"""Messaging: broker client, inbox, outbox, projections, retries and dead letters.

What this package promises:

- Delivery is at least once, and each message has one effect: the inbox keeps the id of each message
  in the transaction of its effects, and drops duplicates.
- Messages of one dossier take effect in the order of their ranks. A message that comes too early is
  parked until the missing ranks have come.
- Offsets are committed after the transaction, never before.
- A transient error is retried with backoff. A message that keeps failing becomes a dead letter. It
  blocks its own dossier and no other, until an operator replays or discards it.
- A projection of a compacted topic keeps the newest version of each state, in whatever order they
  come. A version far above the known one waits for an operator.
- A read model is rebuilt from its topic while replicas serve. No older state replaces a newer one.
- Messages committed in the outbox are published in the order of each key, by the one replica that
  holds the lease. After a crash a message may be published twice; each reader's inbox drops the
  duplicate. A replica that has lost the lease publishes nothing after its successor, whenever it
  wakes: the broker fences its producer. Where the broker knows no idempotent producer, it may
  publish what its producer held when it froze.
- A topic that is absent, refused or without a leader delays no other topic.
- A record that cannot be decompressed or parsed becomes a dead letter, and blocks no partition.

Operator commands: `dead_letters` and `unpublished`, and `rebuild` of each service.
"""
