"""Jobs of accounts: reminders of what waits, about one structure each."""

from collections.abc import Callable, Sequence

from services.organisation.accounts.application.ports import AccountChange
from services.organisation.accounts.application.reminders import Reminders
from shared.runtime.jobs.kinds import InTransaction
from shared.runtime.jobs.rows import Job
from shared.runtime.store.database import Transaction

REMINDERS = "reminders"
"""Kind of the jobs; the key of a job is the id of a structure."""


def build_reminders_work(
    reminders: Reminders, join: Callable[[Transaction], AccountChange]
) -> InTransaction:
    """Build the work of reminders: the mails are queued in the transaction of the job."""

    async def remind(transaction: Transaction, jobs: Sequence[Job]) -> None:
        change = join(transaction)
        for job in jobs:
            await reminders.remind(change, job.key)

    return InTransaction(remind)
