"""Settings of notification, from environment variables."""

from collections.abc import Sequence
from typing import Annotated

from pydantic import AfterValidator, Field, SecretStr, field_validator

from services.notification.subscriptions.adapters.secrets import parse_push_keys
from shared.application.mail import is_secure_url
from shared.runtime.mail.settings import MailSettings


def _check_push_keys(value: SecretStr) -> SecretStr:
    parse_push_keys(value.get_secret_value())
    return value


class Settings(MailSettings):
    """Settings of notification, beside those of the runtime and of its mails."""

    heartbeat_s: float = Field(default=15, gt=0)
    """Heartbeat interval of a stream, in seconds: proxies close a silent connection."""
    streams: int = Field(default=1000, ge=1)
    """Limit of open streams, per process."""
    streams_per_structure: int = Field(default=50, ge=1)
    """Limit of open streams of one structure, per process."""
    push_keys: Annotated[SecretStr, AfterValidator(_check_push_keys)] = SecretStr("")
    """Keys (Fernet) that encrypt the secrets of webhooks and the links of mails: separated by
    commas, or a JSON list. The first encrypts, all decrypt; empty: nobody can subscribe."""

    push_timeout_s: float = Field(default=10, gt=0, le=60)
    """Timeout of one attempt to push to a webhook; a later answer counts as none."""
    push_ports: tuple[int, ...] = (443, 8443)
    """Ports to which webhooks are sent, a JSON list."""
    push_loopback: bool = False
    """Send to loopback too, on any port and without TLS: only to try the platform."""
    pushed_at_once: int = Field(default=200, ge=1)
    """Subscribers to whom one process pushes at the same time."""
    subscriptions_each: int = Field(default=20, ge=1)
    """Limit of the subscriptions of a structure in a role."""
    confirmations_a_day: int = Field(default=50, ge=1)
    """Limit of the mails by which a structure asks recipients to confirm, in 24 hours."""

    @property
    def secret_keys(self) -> Sequence[str]:
        """Keys that encrypt the secrets of webhooks and the links of mails."""
        return parse_push_keys(self.push_keys.get_secret_value())

    @field_validator("public_origin")
    @classmethod
    def _check_origin(cls, value: str) -> str:
        if not is_secure_url(value):
            raise ValueError(f"{value} is no https origin: readers unsubscribe by links of it")
        return value
