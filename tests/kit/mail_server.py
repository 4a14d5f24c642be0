"""Mail server of tests: aiosmtpd on loopback, which can refuse, drop, dribble, and encrypt."""

import asyncio
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from ipaddress import ip_address
from pathlib import Path
from typing import Any, cast

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

LOGIN = LoginPassword(b"aiguillage", b"mot-de-passe")
OK = "250 accepted"


@dataclass
class MailServer:
    """Handler of aiosmtpd: keeps what was handed over, and answers each command as it is told."""

    sender_reply: str = OK
    recipient_reply: str = OK
    data_reply: str = OK
    drops_at: str = ""
    """Command at which the connection is dropped, such as `DATA`."""
    drops_after_data: bool = False
    """Whether the connection is dropped once the text was taken: its answer is lost."""
    delay_s: float = 0
    """Delay of the answer to a text, in seconds."""
    needs_login: bool = False
    port: int = 0
    envelopes: list[Envelope] = field(default_factory=list)
    sessions: list[Session] = field(default_factory=list)
    attempts: int = 0

    @property
    def messages(self) -> list[EmailMessage]:
        """Messages that were handed over."""
        return [
            message_from_bytes(cast("bytes", each.content), policy=default)
            for each in self.envelopes
        ]

    # The names of the hooks are aiosmtpd's.
    async def handle_MAIL(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Judge the sender."""
        self.attempts += 1
        self._drop(server, "MAIL")
        if self.needs_login and not session.authenticated:
            return "530 5.7.0 Authentication required"
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return self.sender_reply

    async def handle_RCPT(  # noqa: N802
        self, server: SMTP, _: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Judge the recipient."""
        self._drop(server, "RCPT")
        if self.recipient_reply.startswith("2"):
            envelope.rcpt_tos.append(address)
            envelope.rcpt_options.extend(options)
        return self.recipient_reply.format(address=address)

    async def handle_DATA(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        """Take the text."""
        self._drop(server, "DATA")
        await asyncio.sleep(self.delay_s)
        if self.data_reply.startswith("2"):
            self.envelopes.append(envelope)
            self.sessions.append(session)
        if self.drops_after_data:
            self._end(server)
        return self.data_reply

    def _drop(self, server: SMTP, command: str) -> None:
        if self.drops_at == command:
            self._end(server)

    def _end(self, server: SMTP) -> None:
        cast("Any", server.transport).abort()


def _authenticate(
    server: SMTP,
    session: Session,
    envelope: Envelope,
    mechanism: str,
    login: Any,  # noqa: ANN401
) -> AuthResult:
    del server, session, envelope, mechanism
    return AuthResult(success=login == LOGIN, handled=False)


class _Controller(Controller):
    """Controller of aiosmtpd that the machine gives a port: its own looks for the server at 0."""

    def _trigger_server(self) -> None:
        self.port = cast("Any", self.server).sockets[0].getsockname()[1]
        super()._trigger_server()  # type: ignore[no-untyped-call]


@contextmanager
def open_mail_server(
    handler: MailServer | None = None, tls: ssl.SSLContext | None = None, port: int = 0
) -> Iterator[MailServer]:
    """Serve SMTP on loopback, in a thread. With `tls`, commands need STARTTLS, and mails a login.

    `port` is one of before, for a server that comes back.
    """
    handler = handler or MailServer()
    handler.needs_login = tls is not None
    controller = _Controller(
        handler,
        hostname="127.0.0.1",
        port=port,
        tls_context=tls,
        require_starttls=tls is not None,
        authenticator=_authenticate,
        enable_SMTPUTF8=True,
    )
    controller.start()
    try:
        handler.port = controller.port
        yield handler
    finally:
        controller.stop()


def make_certificate(folder: Path, at: datetime, host: str = "127.0.0.1") -> Path:
    """Make a self-signed certificate of a host, with its key, in one file of the folder."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(at - timedelta(days=1))
        .not_valid_after(at + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address(host))]), False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), True)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    file = folder / "mail.pem"
    file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM) + private)
    return file
