"""Outgoing mail: queued with the transaction that decides it, sent over SMTP.

What this package promises:

- A mail is a job of the service that writes it: it is sent once its transaction has committed, by
  one replica, and again only when the answer of the mail server was lost, under one `Message-ID`.
- The row of the job is gone once the mail is sent, refused or too old: no copy is kept.
- A mail that is refused or too old is given up once, which the service records as it wants.
- While the mail server is away, or refuses us rather than the mail, mails wait; one that waits
  delays no other.

`shared.application.mail` is what a use case writes, a `Mail`; `mail_templates` beside it builds one
from the texts of a service.

- `jobs`: `run_mails` wires all of it for a service, and returns its queue.
- `queue`: `MailQueue.queue(transaction, mail)`, the port of the features that write to people.
- `sending`: send, or give up. `smtp`: the client: STARTTLS, login, which reply is a refusal.
- `settings`: mail server, sender and origin of links, which the service's settings extend.
"""
