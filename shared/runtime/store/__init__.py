"""Store: documents, transactions, files and leases in MongoDB. Only this package calls the driver.

What this package promises:

- A transaction commits its documents and its outgoing messages (the outbox) together, or neither.
  It is retried when it conflicts with another one. A transaction that a killed process left open is
  aborted when its instance starts again.
- Outgoing messages are kept in the order in which their transactions read one another, whatever the
  clocks of the replicas show.
- Reads see what a majority of the replica set has, and every call has a timeout.
- A file is returned with the bytes of its SHA-256, or refused as damaged. A file to which nothing
  refers is deleted after a day.
- A lease has one holder at a time, and expires by the store's clock, seconds after its holder has
  died.
- A reader of a change stream gets every insert, or a call when it may have missed some.
- Idempotency keys are remembered for 24 hours.
- Calls that are made side by side can share one (`batches`), with an answer or an error for each.

Services import the driver's operations and errors from `driver`: to change the driver, change this
package only.
"""
