"""SMTP client: hands one mail to the server, and tells a refused mail from a server that is away.

What is refused of the mail, its recipient or its text, is permanent. What is refused of us, the
login, STARTTLS, the certificate or the sender, is the operator's to put right: it is waited out.
"""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from email.errors import MessageError
from email.headerregistry import Address, BaseHeader, HeaderRegistry, UnstructuredHeader
from email.message import EmailMessage
from email.policy import SMTP as SMTP_POLICY
from email.policy import Policy
from email.utils import format_datetime

from aiosmtplib import SMTP
from aiosmtplib.errors import (
    SMTPConnectError,
    SMTPException,
    SMTPHeloError,
    SMTPNotSupported,
    SMTPRecipientsRefused,
    SMTPResponseException,
    SMTPSenderRefused,
)

from shared.runtime.errors import TransientError
from shared.runtime.mail.sending import QueuedMail, Refusal

_PERMANENT = range(500, 600)
_LOGIN = frozenset({530, 534, 535, 538})
"""Permanent replies that ask for another login or encryption: they say nothing of the mail."""
_UNWRITABLE = "address"
"""Code of a refusal for an address that no header can hold, before any server is asked."""
_NO_UTF8 = "SMTPUTF8"
"""Code of a refusal for an address outside ASCII, of which the server knows nothing."""
_QUIT_S = 2.0
"""Timeout of the end of the session, once the mail is accepted, in seconds."""


class _UrlHeader(UnstructuredHeader, BaseHeader):
    """Header of a URL, on one line: the library cuts a long one into encoded words (RFC 2047)."""

    def fold(self, *, policy: Policy) -> str:
        return f"{self.name}: {self}{policy.linesep}"


_HEADERS = HeaderRegistry()
_HEADERS.map_to_type("List-Unsubscribe", _UrlHeader)
_POLICY = SMTP_POLICY.clone(header_factory=_HEADERS)


class MailServerAwayError(TransientError):
    """The mail server is away, slow, asks to retry later, or refuses us rather than the mail."""


@dataclass(frozen=True, slots=True)
class SmtpServer:
    """Where mails are handed over, and by whom."""

    host: str
    port: int
    sender: Address
    """The header `From`, whose address is the envelope's sender."""
    timeout_s: float
    """Timeout of a whole session, in seconds: a server may dribble."""
    user: str = ""
    password: str = ""
    starttls: bool = True
    """Encrypt by STARTTLS before anything is said; a server that has it not is waited out."""
    tls: ssl.SSLContext | None = None
    """Trusted authorities; None for those of the machine."""

    async def send(self, queued: QueuedMail) -> Refusal | None:
        """Hand over a mail; see `MailServer`.

        The errors of the client quote the address and the words of the server, so none is kept as
        a cause. Those of a header that cannot be written quote the address too.
        """
        try:
            message = build_message(queued, self.sender)
        except (ValueError, MessageError):
            return Refusal(_UNWRITABLE)
        try:
            async with self._open() as client:
                return await self._hand_over(client, message, queued.mail.to)
        except MailServerAwayError:
            raise
        except (SMTPException, OSError, TimeoutError) as error:
            raise MailServerAwayError(_describe(error)) from None

    @asynccontextmanager
    async def _open(self) -> AsyncIterator[SMTP]:
        """Connect, encrypt and log in; whatever is refused here is no fault of the mail."""
        client = SMTP(
            hostname=self.host,
            port=self.port,
            username=self.user or None,
            password=self.password or None,
            local_hostname=self.sender.domain,
            start_tls=self.starttls,
            tls_context=self.tls,
            timeout=self.timeout_s,
        )
        try:
            async with asyncio.timeout(self.timeout_s):
                await client.connect()
                yield client
        finally:
            # Outside the timeout: an accepted mail is sent, even if the server does not say bye.
            with suppress(SMTPException, OSError, TimeoutError):
                await client.quit(timeout=_QUIT_S)
            client.close()

    async def _hand_over(self, client: SMTP, message: EmailMessage, to: str) -> Refusal | None:
        try:
            await client.send_message(message, sender=self.sender.addr_spec, recipients=[to])
        except SMTPNotSupported:
            return Refusal(_NO_UTF8)
        except (SMTPSenderRefused, SMTPHeloError):
            raise
        except SMTPRecipientsRefused as error:
            return _judge(error.recipients[0])
        except SMTPResponseException as error:
            return _judge(error)
        return None


def build_message(queued: QueuedMail, sender: Address) -> EmailMessage:
    """Build the message: the same bytes at each attempt, and the same `Message-ID`.

    A server or a reader recognises by it a mail that was handed over twice.
    """
    mail = queued.mail
    message = EmailMessage(_POLICY)
    message["From"] = sender
    # `Address` refuses what is not one address; the policy refuses a line end in any header.
    message["To"] = Address(addr_spec=mail.to) if mail.to.isascii() else mail.to
    message["Subject"] = mail.subject
    message["Date"] = format_datetime(queued.queued_at)
    message["Message-ID"] = f"<{queued.mail_id}@{sender.domain}>"
    message["Auto-Submitted"] = "auto-generated"
    if mail.unsubscribe is not None:
        message["List-Unsubscribe"] = f"<{mail.unsubscribe}>"
        message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    message.set_content(mail.text)
    if mail.html is not None:
        message.add_alternative(mail.html, subtype="html")
        message.set_boundary(f"=_{queued.mail_id}")  # by default a random one at each attempt
    message["Content-Language"] = "fr"
    return message


def _judge(error: SMTPResponseException) -> Refusal:
    """Return a permanent refusal of the mail; raise when the server says to retry later."""
    if error.code in _PERMANENT and error.code not in _LOGIN:
        return Refusal(str(error.code))
    raise MailServerAwayError(_describe(error)) from None


def _describe(error: Exception) -> str:
    """Describe an error by its class, the code of the reply, and never by words of the server."""
    name, code = type(error).__name__, getattr(error, "code", None)
    if code:
        return f"{name} {code}"
    if type(error) is SMTPException or isinstance(error, SMTPConnectError):
        return f"{name}: {error.message}"  # words of the client: no STARTTLS, connection refused
    return name
