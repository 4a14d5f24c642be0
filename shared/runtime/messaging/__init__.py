"""Messaging: broker client, inbox, outbox, projections, retries and dead letters.

What this package promises:

- Delivery is at least once, and each message has one effect: the inbox keeps the id of each message
  in the transaction of its effects, and drops duplicates.
- Messages of one dossier take effect in the order of their ranks. A message that comes before its
  rank is parked until the gap is closed.
- Offsets are committed after the transaction, never before.
- A transient error is retried with backoff. A message that keeps failing becomes a dead letter, and
  holds up its dossier alone, until an operator replays or discards it.
- A projection of a compacted topic keeps the newest version of each state, in whatever order they
  come; a version that jumps waits for an operator.
- What is committed in the outbox is published, in the order of each key, by the one replica that
  holds the lease. A crash may publish twice; the inbox of each reader drops the second.
- A record that cannot be decompressed or parsed becomes a dead letter, and stops no partition.

`dead_letters` and `unpublished` are the commands of an operator.
"""
