"""Jobs: work that replicas share, as rows that are claimed with a lease and retried with backoff.

What this package promises:

- A job is a row, named by its kind and key. `enqueue` inserts it in the transaction that decides
  it; a `Finder` inserts one for each key that is due in the service's own documents, which stay the
  truth: a row that is lost is found again. A key that waits already is inserted no second time.
- A key that is enqueued while it is carried out is carried out again, with the newer payload.
- Each job is carried out by one replica at a time. Every replica claims a few rows for the length
  of a lease; when it stops they are free at once, when it dies or freezes they are at the end of
  the lease.
- Jobs `InTransaction` take effect once: their rows are deleted in the transaction of their effects,
  which aborts when another replica has claimed one of them meanwhile.
- An `Effect` outside the store happens at least once, with `Job.id` as the same idempotency key
  each time, also for a newer payload: so its key names what it sends, such as the id of a message.
- A fault of one job is its own: its batch is cut in halves until it fails alone. It alone is
  retried, with backoff and its error in its row, until it passes or nothing is left of it to do. A
  transient error is waited out, with backoff too, and is no failure. What fails or waits takes no
  room from the jobs that are found.
- A job that a dead replica left is claimed alone: if it is what killed it, it kills no other.
- What was postponed is due when a replica starts: it may be of the version that it waits for.
- Leases and backoff go by the store's clock; what is due in documents goes by the service's.
- A periodic task (`build_periodic`) is run by one replica at a time: again some seconds after its
  end, and when a replica starts.

A row that found jobs insert may be out of date: a handler judges again, and does nothing where
nothing is due. `failing` is the command of an operator.
"""
