"""Accounts of users: who is attached to which structure, and what each may do there.

- An account is a verified e-mail address. It is attached to structures, as a manager or not, with
  habilitations: an application and a level.
- `domain`: who decides, what is refused. A structure that has had a main manager keeps one, and
  nothing is granted by silence.
- Every change publishes the whole account, without name or address, on a compacted topic from which
  each service keeps what its callers may do. It is told in the audit trail of the structure and of
  the user.
- What is about one structure rewrites its roster, in the transaction: two decisions about it are
  taken one after the other.
"""
