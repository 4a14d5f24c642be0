"""Mails over a real SMTP server, queued in a real store."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from email.headerregistry import Address
from pathlib import Path

import pytest
from prometheus_client import REGISTRY

from shared.application.mail import Mail
from shared.runtime.clock import build_clock
from shared.runtime.jobs.worker import Jobs
from shared.runtime.mail.jobs import build_mail_gauges_task, build_mail_work
from shared.runtime.mail.queue import (
    KIND,
    MailQueue,
    find_oldest_queued,
)
from shared.runtime.mail.sending import MailFailure, MailSender
from shared.runtime.mail.smtp import SmtpServer
from shared.runtime.store.database import Document, Store, Transaction
from tests.kit.mail_server import LOGIN, MailServer, make_certificate, open_mail_server
from tests.kit.waiting import scale_timeout, wait_until

SENDER = Address("Aiguillage", addr_spec="ne-pas-repondre@exemple.fr")
MAIL = Mail(
    "claire.durand@exemple.fr", "Activer un accès", "Bonjour,\n\nhttps://exemple.fr/#abc\n", "s-1"
)


@dataclass
class Post:
    """What one replica does with mails: its queue, and what it gave up."""

    store: Store
    queue: MailQueue
    failures: list[MailFailure] = field(default_factory=list)

    async def put(self, mail: Mail = MAIL) -> str:
        return await self.store.transaction(lambda tx: self.queue.queue(tx, mail))

    async def find_rows(self) -> list[Document]:
        return [row async for row in self.store.collection("jobs").find({"kind": KIND})]

    async def until_empty(self) -> None:
        async def is_empty() -> bool:
            return not await self.find_rows()

        await wait_until(is_empty, "no mail is queued")

    async def until_postponed(self, times: int = 1) -> Document:
        """Wait until a mail was postponed, and make it due: backoff is the runtime's own affair."""

        async def is_postponed() -> bool:
            (row,) = await self.find_rows()
            return bool(row.get("waits", 0) >= times and "holder" not in row)

        await wait_until(is_postponed, "the mail is postponed")
        (row,) = await self.find_rows()
        return row

    async def make_due(self) -> None:
        await self.store.collection("jobs").update_many(
            {"kind": KIND, "holder": None}, {"$currentDate": {"due": True}}
        )


@pytest.fixture
def post(store: Store) -> Post:
    return Post(store, MailQueue(build_clock()))


@pytest.fixture
def smtp() -> Iterator[MailServer]:
    with open_mail_server() as server:
        yield server


def client(port: int) -> SmtpServer:
    return SmtpServer("127.0.0.1", port, SENDER, timeout_s=scale_timeout(5), starttls=False)


@asynccontextmanager
async def sending(
    post: Post, server: SmtpServer, *, retried_h: float = 72, ahead: timedelta = timedelta()
) -> AsyncIterator[None]:
    """Send queued mails as one replica does."""

    async def record(failure: MailFailure) -> None:
        post.failures.append(failure)

    def now() -> datetime:
        return build_clock()() + ahead

    sender = MailSender(server, record, now, timedelta(hours=retried_h))
    jobs = Jobs(post.store)
    jobs.add(KIND, build_mail_work(sender, server.timeout_s))
    for worker in jobs.workers:
        await worker.prepare()
    tasks = [asyncio.create_task(worker.run()) for worker in jobs.workers]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def count(outcome: str) -> float:
    return REGISTRY.get_sample_value("aiguillage_mails_total", {"outcome": outcome}) or 0


async def test_a_mail_is_sent_with_the_transaction_that_decides_it(
    post: Post, smtp: MailServer
) -> None:
    sent = count("sent")
    async with sending(post, client(smtp.port)):
        mail_id = await post.put()
        await post.until_empty()

    (envelope,), (message,) = smtp.envelopes, smtp.messages
    assert (envelope.mail_from, envelope.rcpt_tos) == (SENDER.addr_spec, [MAIL.to])
    assert message["Subject"] == "Activer un accès"
    assert message["Message-ID"] == f"<{mail_id}@exemple.fr>"
    assert message.get_content().splitlines() == MAIL.text.splitlines()
    assert post.failures == []
    assert count("sent") == sent + 1


async def test_a_mail_in_html_that_can_be_unsubscribed_from_is_sent(
    post: Post, smtp: MailServer
) -> None:
    html, url = "<p>Bonjour, accès refusé</p>\n", f"https://exemple.fr/d/{'a' * 100}"
    async with sending(post, client(smtp.port)):
        await post.put(replace(MAIL, html=html, unsubscribe=url))
        await post.until_empty()

    (message,) = smtp.messages
    assert [each.get_content_type() for each in message.iter_parts()] == ["text/plain", "text/html"]
    (_, shown) = message.iter_parts()
    assert shown.get_content().splitlines() == html.splitlines()
    assert message["List-Unsubscribe"] == f"<{url}>"
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"


async def test_a_mail_is_queued_as_the_version_before_reads_it(post: Post) -> None:
    await post.put()

    (row,) = await post.find_rows()
    assert set(row["payload"]) == {"to", "subject", "text", "entity", "queued_at"}


async def test_a_mail_of_a_transaction_that_fails_is_not_sent(post: Post, smtp: MailServer) -> None:
    async def fail(transaction: Transaction) -> None:
        await post.queue.queue(transaction, MAIL)
        raise ValueError("no")

    async with sending(post, client(smtp.port)):
        with pytest.raises(ValueError, match="no"):
            await post.store.transaction(fail)
        await post.put(replace(MAIL, subject="Le second"))
        await post.until_empty()

    assert [each["Subject"] for each in smtp.messages] == ["Le second"]


@pytest.mark.parametrize("field", ["recipient_reply", "data_reply"])
async def test_a_permanent_refusal_is_recorded_and_not_retried(
    post: Post, smtp: MailServer, field: str, caplog: pytest.LogCaptureFixture
) -> None:
    setattr(smtp, field, "550 5.1.1 claire.durand@exemple.fr: no such mailbox")
    async with sending(post, client(smtp.port)):
        mail_id = await post.put()
        await post.until_empty()

    assert smtp.attempts == 1
    assert smtp.envelopes == []
    (failure,) = post.failures
    assert (failure.mail_id, failure.entity, failure.reason.value, failure.code) == (
        mail_id,
        "s-1",
        "refused",
        "550",
    )
    assert "mail.given_up" in caplog.text
    assert "claire.durand" not in caplog.text


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"recipient_reply": "451 4.7.1 {address}: try again later"}, "SMTPRecipientRefused 451"),
        ({"data_reply": "452 4.3.1 full"}, "452"),
        ({"sender_reply": "550 5.7.1 you may not send"}, "SMTPSenderRefused 550"),
        ({"recipient_reply": "530 5.7.0 Authentication required"}, "530"),
        ({"drops_at": "MAIL"}, "SMTPServerDisconnected"),
        ({"drops_at": "RCPT"}, "SMTPServerDisconnected"),
        ({"drops_at": "DATA"}, "SMTPServerDisconnected"),
    ],
)
async def test_what_may_pass_later_is_retried_until_it_does(
    post: Post,
    smtp: MailServer,
    change: dict[str, str],
    said: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    for name, value in change.items():
        setattr(smtp, name, value)
    async with sending(post, client(smtp.port)):
        mail_id = await post.put()
        row = await post.until_postponed()
        assert row["attempts"] == 0  # the server is away: the mail has not failed
        assert said in caplog.text
        assert "claire.durand" not in caplog.text

        for name in change:
            setattr(smtp, name, getattr(MailServer(), name))
        await post.make_due()
        await post.until_empty()

    assert [each["Message-ID"] for each in smtp.messages] == [f"<{mail_id}@exemple.fr>"]
    assert post.failures == []


async def test_a_mail_whose_answer_was_lost_comes_twice_under_one_id(
    post: Post, smtp: MailServer
) -> None:
    smtp.drops_after_data = True
    async with sending(post, client(smtp.port)):
        mail_id = await post.put()
        await post.until_postponed()
        smtp.drops_after_data = False
        await post.make_due()
        await post.until_empty()

    first, second = smtp.envelopes
    assert first.content == second.content
    assert {each["Message-ID"] for each in smtp.messages} == {f"<{mail_id}@exemple.fr>"}


async def test_a_server_that_is_away_gets_the_mail_once_it_is_back(post: Post) -> None:
    with open_mail_server() as gone:
        port = gone.port
    async with sending(post, client(port)):
        await post.put()
        await post.until_postponed()
        with open_mail_server(port=port) as back:
            await post.make_due()
            await post.until_empty()

            assert [each["To"] for each in back.messages] == [MAIL.to]


async def test_a_slow_server_is_given_up_on_and_holds_no_other_mail(
    post: Post, smtp: MailServer
) -> None:
    smtp.delay_s = 3600
    slow = replace(client(smtp.port), timeout_s=scale_timeout(0.3))
    async with sending(post, slow):
        await post.put()
        await post.until_postponed()
        smtp.delay_s = 0
        await post.put(replace(MAIL, subject="Le second"))
        await wait_until(lambda: len(smtp.envelopes) == 1, "the second mail is sent")

        assert smtp.messages[0]["Subject"] == "Le second"
        await post.make_due()
        await post.until_empty()


async def test_a_server_that_never_greets_is_given_up_on(post: Post) -> None:
    async def keep_silent(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await asyncio.sleep(3600)
        finally:
            writer.close()

    silent = await asyncio.start_server(keep_silent, "127.0.0.1", 0)
    port = silent.sockets[0].getsockname()[1]
    try:
        async with sending(post, replace(client(port), timeout_s=scale_timeout(0.3))):
            await post.put()
            await post.until_postponed()
    finally:
        silent.close()


async def test_a_mail_that_has_waited_too_long_is_given_up(post: Post, smtp: MailServer) -> None:
    expired = count("expired")
    mail_id = await post.put()
    async with sending(post, client(smtp.port), ahead=timedelta(hours=72, seconds=1)):
        await post.until_empty()

    assert smtp.attempts == 0
    assert [(each.mail_id, each.reason.value) for each in post.failures] == [(mail_id, "expired")]
    assert count("expired") == expired + 1


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    return make_certificate(tmp_path, build_clock()())


@pytest.fixture
def encrypted(certificate: Path) -> Iterator[MailServer]:
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(certificate)
    with open_mail_server(tls=tls) as server:
        yield server


async def test_starttls_comes_before_the_login_and_the_mail(
    post: Post, encrypted: MailServer, certificate: Path
) -> None:
    trusted = ssl.create_default_context(cafile=str(certificate))
    server = replace(
        client(encrypted.port),
        starttls=True,
        tls=trusted,
        user=LOGIN.login.decode(),
        password=LOGIN.password.decode(),
    )
    async with sending(post, server):
        await post.put()
        await post.until_empty()

    (session,) = encrypted.sessions
    assert session.ssl is not None
    assert session.authenticated


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ("certificate", "SSLCertVerificationError"),
        ("password", "SMTPAuthenticationError 535"),
        ("plain server", "STARTTLS extension not supported"),
    ],
)
async def test_a_server_that_cannot_be_trusted_gets_nothing(
    post: Post,
    encrypted: MailServer,
    smtp: MailServer,
    certificate: Path,
    fault: str,
    said: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    trusted = (
        None if fault == "certificate" else ssl.create_default_context(cafile=str(certificate))
    )
    asked = smtp if fault == "plain server" else encrypted
    server = replace(
        client(asked.port),
        starttls=True,
        tls=trusted,
        user=LOGIN.login.decode(),
        password="faux" if fault == "password" else LOGIN.password.decode(),
    )
    async with sending(post, server):
        await post.put()
        await post.until_postponed()

    assert asked.attempts == 0
    assert said in caplog.text
    assert LOGIN.password.decode() not in caplog.text
    assert post.failures == []


async def test_an_address_with_an_accent_needs_a_server_that_knows_of_them(
    post: Post, smtp: MailServer
) -> None:
    async with sending(post, client(smtp.port)):
        await post.put(replace(MAIL, to="élise@exemple.fr"))
        await post.until_empty()

    assert [each.rcpt_tos for each in smtp.envelopes] == [["élise@exemple.fr"]]


async def test_the_age_of_the_oldest_mail_is_a_metric(post: Post) -> None:
    now = build_clock()()
    task = build_mail_gauges_task(
        lambda: find_oldest_queued(post.store), lambda: now + timedelta(minutes=20)
    )

    def read() -> float | None:
        return REGISTRY.get_sample_value("aiguillage_mails_oldest_seconds")

    await task()
    assert read() == 0
    await post.put()
    await task()
    assert read() == pytest.approx(1200, abs=scale_timeout(5))
