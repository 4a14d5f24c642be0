"""Queue of outgoing mail: each mail is a job, enqueued with the transaction that decides it."""

from collections.abc import Callable
from datetime import datetime

from shared.application.mail import Mail
from shared.runtime.clock import Clock
from shared.runtime.ids import new_id
from shared.runtime.jobs.rows import COLLECTION, Job, enqueue
from shared.runtime.mail.sending import QueuedMail
from shared.runtime.store.database import Store, Transaction, aggregate

KIND = "mail"
"""Kind of the jobs; the key of a job is the id of its mail."""


class MailQueue:
    """Queue of outgoing mail: the port of the features that write to people."""

    def __init__(self, clock: Clock, make_id: Callable[[], str] = new_id) -> None:
        """Stamp queued mails by this clock."""
        self._clock = clock
        self._new_id = make_id

    async def queue(self, transaction: Transaction, mail: Mail) -> str:
        """Queue a mail, to send once the transaction has committed. Returns the id of the mail.

        The row of the job holds address and text until the mail is sent, refused or too old.
        """
        mail_id = self._new_id()
        payload = {
            "to": mail.to,
            "subject": mail.subject,
            "text": mail.text,
            "entity": mail.entity,
            "queued_at": self._clock(),
        }
        # Absent where a mail has none: the version before does not know them.
        also = {"html": mail.html, "unsubscribe": mail.unsubscribe}
        payload |= {name: value for name, value in also.items() if value is not None}
        await enqueue(transaction, [Job(KIND, mail_id, payload)])
        return mail_id


def read_mail(job: Job) -> QueuedMail:
    """Read the mail of a job."""
    row = job.payload
    mail = Mail(
        to=row["to"],
        subject=row["subject"],
        text=row["text"],
        entity=row["entity"],
        html=row.get("html"),
        unsubscribe=row.get("unsubscribe"),
    )
    return QueuedMail(job.key, mail, row["queued_at"])


async def find_oldest_queued(store: Store) -> datetime | None:
    """Find since when the oldest mail waits, whatever keeps it; None without any."""
    rows = store.collection(COLLECTION)
    oldest = {"$group": {"_id": None, "at": {"$min": "$payload.queued_at"}}}
    found = [row async for row in aggregate(rows, [{"$match": {"kind": KIND}}, oldest])]
    at: datetime | None = found[0]["at"] if found else None
    return at
