"""Facts of a dossier's life: logged as INFO lines, and recorded as spans, after the commit.

What this package promises:

- A fact is one line, with the ids of its dossier, piece, message and journey. The table of facts is
  `shared/contracts/facts.py`.
- A transaction notes its facts, and they are written once it has committed. A transaction that is
  retried writes those of the attempt that committed; one that is rolled back writes none.
- A publication is written once the broker has acknowledged the message, with the time at which it
  was sent, which is before that of its deliveries. A message that is published twice, because the
  relay was killed in between, has two lines with one `message_id`.
- A process that is killed between its commit and its lines leaves these out. The publications of
  that transaction are written all the same, by the next relay, with the same ids.

- `log`: facts that a transaction notes until it commits.
- `publications`: facts that the relay of the outbox logs.
- `lines` and `fact_spans`: how facts are written.
"""
