"""Sign-in of people at the development issuer: their access tokens, and headers of requests."""

import subprocess
import sys
import time
from dataclasses import dataclass, field
from urllib.parse import quote

import httpx

from deploy.local.issuer.tokens import LIFE_S
from deploy.local.platform import Platform
from deploy.local.programs import ROOT
from shared.vocabulary.roles import Role
from shared.vocabulary.tickets import Desk


@dataclass(frozen=True, slots=True)
class User:
    """Person who signs in: the issuer vouches for the e-mail address and the SIRET."""

    email: str
    name: str
    siret: str | None = None


@dataclass(frozen=True, slots=True)
class _Token:
    text: str
    clock_offset_s: int
    """That of the platform when it was issued: days that pass end it."""
    renewed_at: float


def grant_desk(platform: Platform, user: User) -> None:
    """Make a user an agent of the technical desk, by the command of an operator."""
    subprocess.run(
        [sys.executable, "-m", "services.organisation", "grant-desk", user.email],
        cwd=ROOT,
        env={"AIGUILLAGE_MONGO": platform.addresses.mongo},
        stdout=subprocess.DEVNULL,
        check=True,
    )


@dataclass(slots=True)
class SignIn:
    """Signs people in on a running platform; their tokens are renewed before they expire."""

    platform: Platform
    _tokens: dict[User, _Token] = field(default_factory=dict)

    def build_headers(
        self, user: User, structure: str | None = None, role: Role | None = None
    ) -> dict[str, str]:
        """Build the headers of a user's request, who chooses a structure and a role."""
        chosen = {"X-Structure": quote(structure, safe="")} if structure else {}
        named = {"Authorization": f"Bearer {self.get_token(user)}"}
        return named | chosen | ({"X-Role": role.value} if role else {})

    def build_desk_headers(
        self, user: User, desk: Desk, structure: str | None = None
    ) -> dict[str, str]:
        """Build the headers of an agent of a desk; a business desk is of a structure."""
        return self.build_headers(user, structure) | {"X-Desk": desk.value}

    def get_token(self, user: User) -> str:
        """Get an access token of a user that has not expired."""
        token, now = self._tokens.get(user), time.monotonic()
        offset = self.platform.clock_offset_s
        if token is None or now > token.renewed_at or offset != token.clock_offset_s:
            token = _Token(self._ask_token(user), offset, now + LIFE_S / 2)
            self._tokens[user] = token
        return token.text

    def _ask_token(self, user: User) -> str:
        asked = {"grant_type": "password", "username": user.email, "name": user.name}
        answer = httpx.post(
            f"{self.platform.addresses.issuer}/token",
            data=asked | ({"siret": user.siret} if user.siret else {}),
            timeout=30,
        )
        answer.raise_for_status()
        return str(answer.json()["access_token"])
