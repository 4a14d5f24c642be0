"""Audit trail of organisation: what was done, by whom, in a hash chain for each entity.

- An entity is a structure, a user or a machine, named by its id.
- An entry names people by the id of their account alone, so it holds no personal data.
- `adapters/mongo.py`: `record` appends entries in the transaction that they tell of. It rewrites
  the end of the chain, so that two transactions about one structure run one after the other.
- `adapters/change.py` is the base of the transactions of other features: `record`, idempotency
  keys, outbox.
"""
