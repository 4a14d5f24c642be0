"""Issue tokens to machines: client credentials (RFC 6749, 4.4), in constant time."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from services.organisation.machines.application.ports import (
    FailureLimit,
    Machines,
    SecretMaker,
    Signer,
)
from services.organisation.machines.domain.machines import Machine, Secret
from services.organisation.machines.domain.scopes import Scope
from services.organisation.machines.domain.token_requests import (
    TokenErrorCode,
    TokenRefusal,
    choose_scopes,
)

AUDIENCE = "aiguillage"
"""Claim `aud`: the services of the platform."""
LIFE_S = 300
"""Life of a token, in seconds."""
UNKNOWN_CLIENT = TokenRefusal(
    TokenErrorCode.INVALID_CLIENT, "Ce client est inconnu, ou ce secret n'est pas le sien."
)
NO_KEY = TokenRefusal(
    TokenErrorCode.TEMPORARILY_UNAVAILABLE, "Cette plateforme ne signe pas de jeton de machine."
)


@dataclass(frozen=True, slots=True)
class Credentials:
    """Credentials of a client, as it sent them."""

    client_id: str
    secret: str


@dataclass(frozen=True, slots=True)
class Issued:
    """A token, its scopes, and when the secret that was used expires."""

    token: str
    scopes: Sequence[Scope]
    secret: Secret


@dataclass(frozen=True, slots=True)
class TooManyFailures:
    """Too many failures of this client from this address (429)."""


@dataclass(frozen=True, slots=True)
class TokenPorts:
    """What issuing tokens needs."""

    machines: Machines
    secrets: SecretMaker
    failures: FailureLimit
    signer: Signer | None
    """None: no key is configured, and no token is issued."""
    issuer: str
    clock: Callable[[], datetime]
    new_id: Callable[[], str]


class TokenIssuer:
    """Use case of the token endpoint."""

    def __init__(self, ports: TokenPorts) -> None:
        """Use these ports."""
        self._ports = ports

    async def issue(
        self, credentials: Credentials, scope: str | None, address: str
    ) -> Issued | TokenRefusal | TooManyFailures:
        """Issue a token for the scopes that are wanted, all those granted when none is."""
        ports, client_id = self._ports, credentials.client_id
        if ports.signer is None:
            return NO_KEY
        if await ports.failures.is_exceeded(client_id, address):
            return TooManyFailures()
        machine = await ports.machines.find(client_id)
        secret = self._find_secret(machine, credentials.secret)
        if machine is None or secret is None:
            await ports.failures.count(client_id, address)
            return UNKNOWN_CLIENT
        chosen = choose_scopes(machine.scopes, scope)
        if isinstance(chosen, TokenRefusal):
            return chosen
        return Issued(self._sign(ports.signer, client_id, chosen), chosen, secret)

    def _find_secret(self, machine: Machine | None, text: str) -> Secret | None:
        """Find the secret that was sent; as long for an unknown client as for a wrong secret."""
        valid = machine.list_valid(self._ports.clock()) if machine else ()
        digest = self._ports.secrets.matches(text, [each.digest for each in valid])
        return next((each for each in valid if each.digest == digest), None)

    def _sign(self, signer: Signer, client_id: str, scopes: Sequence[Scope]) -> str:
        now = int(self._ports.clock().timestamp())
        return signer.sign(
            {
                "iss": self._ports.issuer,
                "sub": client_id,
                "client_id": client_id,
                "aud": AUDIENCE,
                "iat": now,
                "exp": now + LIFE_S,
                "jti": self._ports.new_id(),
                "scope": " ".join(map(str, scopes)),
            }
        )
