"""Job that sends mails, and the metrics of outgoing mail."""

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

from prometheus_client import Counter, Gauge

from shared.runtime.clock import Clock
from shared.runtime.jobs.kinds import Effect
from shared.runtime.jobs.rows import Job
from shared.runtime.logs import get_logger
from shared.runtime.mail.queue import KIND, MailQueue, find_oldest_queued, read_mail
from shared.runtime.mail.sending import MailSender, RecordFailure
from shared.runtime.mail.settings import MailSettings
from shared.runtime.mail.smtp import SmtpServer
from shared.runtime.service import Runtime

MAILS = Counter(
    "aiguillage_mails_total", "Mails sent, or given up: refused, or too old", ["outcome"]
)
MAILS_OLDEST = Gauge(
    "aiguillage_mails_oldest_seconds", "For how long the oldest mail that is queued has waited"
)
_TOGETHER = 5
"""Mails of one claim, each over a connection of its own: a server limits them by address."""
_RETRY_MAX_S = 900
"""Longest delay between two attempts, in seconds."""
_MEASURE_S = 5
"""Interval of the gauge, in seconds."""
_log = get_logger(__name__)


def run_mails(runtime: Runtime, settings: MailSettings, record_failure: RecordFailure) -> MailQueue:
    """Send the mails of a service, as jobs. Returns their queue."""
    server = SmtpServer(
        host=settings.smtp_host,
        port=settings.smtp_port,
        sender=settings.sender,
        user=settings.smtp_user,
        password=settings.smtp_password.get_secret_value(),
        starttls=settings.smtp_starttls,
        timeout_s=settings.smtp_timeout_s,
    )
    retried_for = timedelta(hours=settings.mail_retried_h)
    sender = MailSender(server, record_failure, runtime.clock, retried_for)
    runtime.run_jobs(KIND, build_mail_work(sender, settings.smtp_timeout_s))
    runtime.run_every(
        _MEASURE_S,
        "mails",
        build_mail_gauges_task(lambda: find_oldest_queued(runtime.store), runtime.clock),
    )
    return MailQueue(runtime.clock)


def build_mail_work(sender: MailSender, timeout_s: float) -> Effect:
    """Build the work that sends mails; `timeout_s` is that of the SMTP client, which ends first."""

    async def handle(job: Job) -> None:
        reason = await sender.send(read_mail(job))
        MAILS.labels(reason.value if reason else "sent").inc()
        if reason:
            _log.warning("mail.given_up", mail_id=job.key, reason=reason.value)

    return Effect(
        handle,
        effect_timeout_s=timeout_s + 5,
        batch_size=_TOGETHER,
        retry_max_s=_RETRY_MAX_S,
    )


def build_mail_gauges_task(
    find_oldest: Callable[[], Awaitable[datetime | None]], clock: Clock
) -> Callable[[], Awaitable[None]]:
    """Build the task that refreshes the gauge of queued mails."""

    async def task() -> None:
        oldest = await find_oldest()
        MAILS_OLDEST.set(max(0.0, (clock() - oldest).total_seconds()) if oldest else 0)

    return task
