"""Mails: no header of their own making, HTML, one-click unsubscribing, what is given up."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import default

import pytest

from shared.application.mail import Mail, MailError
from shared.runtime.mail.sending import MailFailure, MailSender, QueuedMail, Reason, Refusal
from shared.runtime.mail.smtp import SmtpServer, build_message
from shared.vocabulary.emails import is_email

AT = datetime(2026, 11, 30, 9, 0, tzinfo=UTC)
SENDER = Address("Aiguillage", addr_spec="ne-pas-repondre@exemple.fr")
MAIL = Mail("claire.durand@exemple.fr", "Activer votre compte", "Bonjour.\n", "user-1")


def queued(mail: Mail = MAIL, at: datetime = AT) -> QueuedMail:
    return QueuedMail("018f-1", mail, at)


def written(mail: Mail) -> bytes:
    return build_message(queued(mail), SENDER).as_bytes()


@pytest.mark.parametrize(
    "address",
    [
        "claire@exemple.fr",
        "prenom.nom+tri@sous.domaine.exemple.fr",
        "o'brien@exemple.fr",
        "élise@exemple.fr",
        "claire@mairie-évry.example",
        "claire@xn--mairie-vry-h7a.example",
        "a!#$%&'*+/?=^_`{|}~-b@x.fr",
        f"claire@{'a' * 63}.fr",
    ],
)
def test_an_address_is_one_mailbox(address: str) -> None:
    assert is_email(address)
    assert message_from_bytes(written(replace(MAIL, to=address)), policy=default)["To"] == address


UNWRITABLE = [
    "victime..secrete@x.fr",
    "victime[secrete@x.fr",
    "victime]secrete@x.fr",
    ".a@x.fr",
    "a.@x.fr",
    "=?utf-8?q?a?=@x.fr",
    "a@x..fr",
    "a@.x.fr",
    "a@x.f]r",
]


@pytest.mark.parametrize(
    "address",
    [
        *UNWRITABLE,
        "é=?utf-8?q?a?=@x.fr",
        "a@-x.fr",
        "a@x-.fr",
        "a@x_y.fr",
        "a@x.fr-",
        "a@[192.0.2.1]",
        f"a@{'a' * 64}.fr",
    ],
)
def test_an_address_that_no_header_or_name_can_hold_is_none(address: str) -> None:
    assert not is_email(address)


@pytest.mark.parametrize("address", UNWRITABLE)
async def test_a_mail_that_cannot_be_written_is_refused_before_a_server_is_asked(
    address: str,
) -> None:
    nobody = SmtpServer("127.0.0.1", 1, SENDER, timeout_s=5)

    assert await nobody.send(queued(replace(MAIL, to=address))) == Refusal("address")


@pytest.mark.parametrize(
    "address",
    [
        "",
        "claire",
        "claire@exemple",
        "Claire <claire@exemple.fr>",
        "claire@exemple.fr, paul@exemple.fr",
        "claire@exemple.fr\r\nBcc: paul@exemple.fr",
        "claire@exemple.fr\n",
        "claire@exemple.fr\x00",
        "claire@exemple.fr> SIZE=1",
        "\u202eclaire@exemple.fr",
        "a" * 250 + "@exemple.fr",
    ],
)
def test_what_is_no_mailbox_makes_no_mail_and_is_not_quoted(address: str) -> None:
    with pytest.raises(MailError) as raised:
        Mail(address, "Sujet", "Texte")

    assert str(raised.value) == "the recipient is no e-mail address"


@pytest.mark.parametrize("subject", ["", "a\nBcc: b@c.fr", "a\rb", "a\x00b", "a\u2066b", "a" * 201])
def test_a_subject_is_one_line_of_text(subject: str) -> None:
    with pytest.raises(MailError):
        Mail("claire@exemple.fr", subject, "Texte")


@pytest.mark.parametrize("text", ["", "a\x00b", "a\x1b[2J", "a" * 100_001])
def test_a_text_can_be_shown(text: str) -> None:
    with pytest.raises(MailError):
        Mail("claire@exemple.fr", "Sujet", text)


def test_a_mail_shows_neither_address_nor_text_when_it_is_printed() -> None:
    mail = Mail("claire@exemple.fr", "Sujet", "jeton-secret", html="<b>jeton-secret</b>")
    shown = repr(queued(replace(mail, unsubscribe="https://exemple.fr/jeton-secret")))

    assert "claire" not in shown
    assert "jeton-secret" not in shown


def test_the_message_is_the_same_at_each_attempt() -> None:
    assert written(MAIL) == written(MAIL)
    message: EmailMessage = build_message(queued(), SENDER)
    assert dict(message.items()) == {
        "From": "Aiguillage <ne-pas-repondre@exemple.fr>",
        "To": "claire.durand@exemple.fr",
        "Subject": "Activer votre compte",
        "Date": "Mon, 30 Nov 2026 09:00:00 +0000",
        "Message-ID": "<018f-1@exemple.fr>",
        "Auto-Submitted": "auto-generated",
        "Content-Language": "fr",
        "Content-Type": 'text/plain; charset="utf-8"',
        "Content-Transfer-Encoding": "7bit",
        "MIME-Version": "1.0",
    }


FORMATTED = Mail(
    "claire.durand@exemple.fr",
    "Un statut",
    "Refusée.\n",
    html="<p>Refusée.</p>\n",
    unsubscribe=f"https://travaux.exemple.fr/notification/v1/unsubscriptions/{'aB3_-' * 20}",
)


def test_a_mail_in_html_holds_its_text_first_and_is_the_same_at_each_attempt() -> None:
    assert written(FORMATTED) == written(FORMATTED)
    message = build_message(queued(FORMATTED), SENDER)

    assert message["Content-Type"] == 'multipart/alternative; boundary="=_018f-1"'
    assert message["Content-Language"] == "fr"
    read = message_from_bytes(written(FORMATTED), policy=default)
    parts = [(each.get_content_type(), each.get_content()) for each in read.iter_parts()]
    assert parts == [("text/plain", "Refusée.\r\n"), ("text/html", "<p>Refusée.</p>\r\n")]


def test_a_long_url_to_unsubscribe_is_one_line_as_a_reader_expects_it() -> None:
    lines = written(FORMATTED).split(b"\r\n")

    assert f"List-Unsubscribe: <{FORMATTED.unsubscribe}>".encode() in lines
    assert b"List-Unsubscribe-Post: List-Unsubscribe=One-Click" in lines
    assert b"List-Unsubscribe" not in written(MAIL)


@pytest.mark.parametrize(
    "url",
    [
        "https://travaux.exemple.fr/d/abc?x=1&y=%20",
        "http://127.0.0.1:8000/d/abc",
        "http://localhost/d",
    ],
)
def test_a_url_to_unsubscribe_is_https_or_on_loopback(url: str) -> None:
    assert replace(MAIL, unsubscribe=url).unsubscribe == url


@pytest.mark.parametrize(
    "url",
    [
        "",
        "http://travaux.exemple.fr/d",
        "https:///d",
        "mailto:a@b.fr",
        "javascript:alert(1)",
        "https://a.fr/d\r\nBcc: b@c.fr",
        "https://a.fr/d\n",
        "https://a.fr/d>, <mailto:b@c.fr",
        "https://a.fr/d e",
        "https://a.fr/é",
        "https://a.fr/" + "a" * 900,
    ],
)
def test_another_url_to_unsubscribe_makes_no_mail_and_is_not_quoted(url: str) -> None:
    with pytest.raises(MailError) as raised:
        replace(MAIL, unsubscribe=url)

    assert str(raised.value) == "the URL to unsubscribe is no https URL"


@pytest.mark.parametrize("html", ["", "a\x00b", "a\u202eb", "a" * 500_001])
def test_html_can_be_shown(html: str) -> None:
    with pytest.raises(MailError):
        replace(MAIL, html=html)


class FakeServer:
    """A mail server that answers what it is told to."""

    def __init__(self, answer: Refusal | None) -> None:
        self.answer = answer
        self.asked = 0

    async def send(self, _: QueuedMail) -> Refusal | None:
        self.asked += 1
        return self.answer


@pytest.mark.parametrize(
    ("answer", "age_h", "reason", "asked", "recorded"),
    [
        (None, 0, None, 1, []),
        (None, 72, None, 1, []),
        (Refusal("550"), 0, Reason.REFUSED, 1, [("refused", "550")]),
        (None, 72.1, Reason.EXPIRED, 0, [("expired", "")]),
    ],
)
async def test_a_mail_is_sent_or_given_up_once(
    answer: Refusal | None,
    age_h: float,
    reason: Reason | None,
    asked: int,
    recorded: list[tuple[str, str]],
) -> None:
    server, failures = FakeServer(answer), list[MailFailure]()
    now = AT + timedelta(hours=age_h)

    async def record(failure: MailFailure) -> None:
        failures.append(failure)

    sender = MailSender(server, record, lambda: now, timedelta(hours=72))

    assert await sender.send(queued()) is reason
    assert server.asked == asked
    assert [(each.reason.value, each.code) for each in failures] == recorded
    assert all(
        (each.mail_id, each.entity, each.at) == ("018f-1", "user-1", now) for each in failures
    )
