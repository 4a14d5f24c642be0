"""Runtime: the base of every service (messages, store, HTTP); its own code only decides.

- `service` and `program`: lifecycle, readiness, background tasks, graceful stop, command line.
- `commands`: connection and output of operator commands.
- `messaging`: broker client, inbox, outbox, projections and their rebuild, retries, dead letters.
- `jobs`: work that replicas share: due dates, outside effects, periodic tasks; leases and retries.
- `mail`: outgoing mail, queued with a transaction and sent over SMTP.
- `store`: transactions, files, leases, change streams; the only package that calls the driver.
- `web`: HTTP application, authentication, limits, forms, problem details, WebSockets.
- `facts` and `tracing`: a line in the log and a span for each fact of a dossier, once committed.
- `backoff` and `errors`: retry of transient errors with exponential backoff.
- `notifier`: wakes the tasks of a process that wait for news.
- `clock`, `ids`, `logs`, `metrics`, `settings`: time, UUIDv7, JSON logs, Prometheus, environment.

Promises: a change of state and the messages that state it are committed together; each message
has one effect, in the order of its dossier; a service is ready only while its store and broker
answer and its consumers advance. Nothing here is specific to one service.
"""
