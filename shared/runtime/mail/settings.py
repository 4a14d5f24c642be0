"""Settings of the services that write mails: mail server, sender, origin of the links."""

from email.headerregistry import Address
from email.utils import parseaddr
from ipaddress import ip_address
from typing import Annotated, Self

from pydantic import AfterValidator, Field, SecretStr, model_validator

from shared.runtime.settings import RuntimeSettings
from shared.vocabulary.emails import is_email
from shared.vocabulary.texts import is_showable


def _check_sender(value: str) -> str:
    _, address = parseaddr(value)
    if not (is_email(address) and address.isascii() and is_showable(value)):
        raise ValueError("that is no sender: Name <address@domain>, or an address alone")
    return value


class MailSettings(RuntimeSettings):
    """Settings of outgoing mail, beside those of the runtime.

    By default a service starts without a mail server; its mails wait.
    """

    smtp_host: str = "127.0.0.1"
    """Mail server (SMTP) to which all mails are handed over."""
    smtp_port: int = Field(default=587, ge=1, le=65535)
    smtp_user: str = ""
    """Login on the mail server; empty: none is needed."""
    smtp_password: SecretStr = SecretStr("")
    smtp_starttls: bool = True
    """Encrypt by STARTTLS before anything is said. False only for a server on loopback."""
    smtp_timeout_s: float = Field(default=20, gt=0, le=120)
    """Timeout of one session with the mail server."""
    mail_from: Annotated[str, AfterValidator(_check_sender)] = (
        "Aiguillage <ne-pas-repondre@aiguillage.invalid>"
    )
    """Sender of mails, `Name <address@domain>`; the server must accept it from us."""
    mail_retried_h: float = Field(default=72, gt=0)
    """Hours for which a mail is retried after it was queued: its links live as long."""
    public_origin: str = Field(default="http://127.0.0.1:8000", pattern=r"^https?://[^/\s]+$")
    """Origin of the links in mails, `https://host[:port]`: that of the gateway or the portal."""

    @model_validator(mode="after")
    def _check_encryption(self) -> Self:
        if not (self.smtp_starttls or _is_loopback(self.smtp_host)):
            raise ValueError(
                "AIGUILLAGE_SMTP_STARTTLS is false: mails hold links that let people in, and "
                f"{self.smtp_host} is reached over a network; use STARTTLS"
            )
        return self

    @property
    def sender(self) -> Address:
        """Sender of mails, as a header holds it."""
        name, address = parseaddr(self.mail_from)
        return Address(name, addr_spec=address)


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
