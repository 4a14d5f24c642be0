"""Settings of organisation, from environment variables."""

from typing import Annotated, Self

from pydantic import AfterValidator, Field, SecretStr, model_validator

from services.organisation.machines.adapters.signing import SigningKeys, parse_signing_keys
from shared.runtime.mail.settings import MailSettings


def _check_signing_keys(value: SecretStr) -> SecretStr:
    parse_signing_keys(value.get_secret_value())
    return value


class Settings(MailSettings):
    """Settings of organisation, beside those of the runtime and of its mails."""

    signing_keys: Annotated[SecretStr, AfterValidator(_check_signing_keys)] = SecretStr("[]")
    """Keys of the tokens of machines: a JSON list of private JWKs, RSA or P-256. The first signs,
    all are published; empty: no machine gets a token."""
    issuer_url: str = Field(default="", pattern=r"^(https?://\S+[^/\s])?$")
    """Issuer of these tokens, the claim `iss`: the public address of this service's routes,
    `https://host/organisation/v1`. Every service names it in `AIGUILLAGE_ISSUERS`."""
    machine_secret_days: int = Field(default=365, ge=1)
    """Days for which a secret of a machine is valid; its end is announced 30 days before."""
    token_failures: int = Field(default=20, ge=1)
    """Rate limit of wrong secrets of a machine at one network address, in ten minutes."""

    remind_after_h: float = Field(default=168, gt=0)
    """Hours after which managers are reminded of requests that wait, and again: 7 days."""
    link_life_h: float = Field(default=72, gt=0, le=720)
    """Hours for which a link sent by e-mail can be used: of an invitation, of an activation."""
    invitations_a_day: int = Field(default=100, ge=1)
    """Invitations of one structure in a day."""
    waiting_requests: int = Field(default=500, ge=1)
    """Requests that wait for the managers of one structure."""
    asked_requests: int = Field(default=20, ge=1)
    """Requests for habilitations of one user that wait."""
    activations_a_day: int = Field(default=3, ge=1)
    """Activation links sent to one address in a day; no more are sent."""

    @model_validator(mode="after")
    def _check_issuer(self) -> Self:
        if self.keys.can_sign and not self.issuer_url:
            raise ValueError(
                "AIGUILLAGE_SIGNING_KEYS is set without AIGUILLAGE_ISSUER_URL: tokens name the "
                "issuer that signed them"
            )
        return self

    @property
    def keys(self) -> SigningKeys:
        """Keys of the tokens of machines."""
        return parse_signing_keys(self.signing_keys.get_secret_value())
