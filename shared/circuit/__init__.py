"""Circuit: the rules of a works dossier as versioned tables, and pure functions that read them.

- `table` and `loader`: which piece follows which, from whom to whom. The loader parses a version,
  and refuses one in which a dossier could get stuck. `switches` switches rows off.
- `statuses`, `visibility`: state machine of a piece, and the statuses that each role may see.
- `delays`: deadlines of the actors awaited, and their effects. `turns`: who may act now.
- `cadres`, `hop`, `moa`, `parties`, `fields`, `amounts`, `motives`: judgements of a deposit, of a
  recipient, of parties, of required fields, of amounts and of refusals.
- `rules`: the code, the French sentence and the source of every rule.

Promises: deposit and routing judge by the same table, so routing can route every accepted deposit;
a dossier keeps the version of the circuit by which it opened; no function reads a clock or a store.
"""
