"""Tickets: drafts, submission to a desk, follow-up until a ticket is closed.

- `domain/transitions.py` is the table of acts: who may do what to a ticket in which status.
- The sub-category that its author chose decides the desk; no suggestion ever changes it.
- A ticket, its journal, its idempotency key and its events are written in one transaction.
- An idempotency key is kept for 24 hours; sent again with other contents it is refused.
- Without an account a token follows a ticket; the store has its hash alone.
- Each desk has targets (`data/delais.csv`), opening hours to answer and to settle.
- A settled ticket that nobody reopens is closed after a delay of the settings.
- Attachments are stored once by SHA-256; those that no ticket names are swept.
"""
