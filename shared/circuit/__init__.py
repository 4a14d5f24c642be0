"""Circuit: the rules of a works dossier as versioned tables, and pure functions that read them.

- `table` and `loader`: which piece follows which, from whom to whom; a version is parsed, and
  refused when it could strand a dossier. `switches` takes rows out of one.
- `statuses`, `visibility`: state machine of a piece, and what each role may see of it.
- `delays`: deadlines of those awaited, and their effects. `turns`: who may act now.
- `cadres`, `hop`, `moa`, `parties`, `fields`, `amounts`, `motives`: judgements of a deposit, of a
  recipient, of parties, of required fields, of amounts and of refusals.
- `rules`: the code, the French sentence and the source of every rule.

Promises: deposit and routing judge by the same table, so that what one accepts the other routes; a
dossier keeps the version of the circuit by which it opened; no function reads a clock or a store.
"""
