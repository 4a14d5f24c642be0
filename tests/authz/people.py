"""People and programs of `make authz`: their rights, and the tokens by which they call."""

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from warnings import catch_warnings, simplefilter

import httpx
from joserfc import jwt
from joserfc.jwk import ECKey

from deploy.local import Addresses
from deploy.local.issuer.keys import generate_key, read_key
from deploy.local.issuer.tokens import build_claims, sign_claims
from shared.rights.model import Level, ManagerRole, PlatformRole
from shared.runtime.clock import Clock, build_clock
from tests.authz.callers import BAD_TOKENS, CallerKind
from tests.authz.expectations import Expectation, Verdict
from tests.authz.structures import LAGARDE, OTHER, RHONE, TOWN

APPLICATIONS = (
    "factures_de_travaux",
    "factures_emises",
    "factures_recues",
    "organisation",
    "sollicitations",
)
"""By hand: a new application must be in the scene too."""
SCOPES = tuple(f"{each}:{Level.MODIFICATION}" for each in APPLICATIONS)
_SKEW_S, _KEPT_S = 30, 120


@dataclass(frozen=True, slots=True)
class Member:
    """Person or program, and what it may do."""

    name: str
    structures: tuple[str, ...] = (RHONE, TOWN)
    level: Level | None = Level.MODIFICATION
    without: str = ""
    """Application that is left out; all are by a level of None."""
    manager: ManagerRole | None = None
    roles: tuple[PlatformRole, ...] = ()

    @property
    def habilitations(self) -> list[dict[str, str]]:
        """Habilitations as a decision gives them."""
        return [
            {"application": each, "level": self.level}
            for each in APPLICATIONS
            if self.level and each != self.without
        ]


MEMBERS: Mapping[CallerKind, Member] = {
    CallerKind.WRONG_STRUCTURE: Member(
        "ailleurs@droits.example", (OTHER,), manager=ManagerRole.PRINCIPAL
    ),
    CallerKind.STRANGER: Member("ailleurs@droits.example", (OTHER,), manager=ManagerRole.PRINCIPAL),
    CallerKind.NO_HABILITATION: Member("sans-rien@droits.example", level=None),
    CallerKind.CONSULTATION: Member("consulte@droits.example", level=Level.CONSULTATION),
    CallerKind.MODIFICATION: Member("modifie@droits.example"),
    CallerKind.SECONDARY_MANAGER: Member("seconde@droits.example", manager=ManagerRole.SECONDAIRE),
    CallerKind.MAIN_MANAGER: Member(
        "principale@droits.example", (RHONE, LAGARDE, TOWN), manager=ManagerRole.PRINCIPAL
    ),
    CallerKind.OPERATOR: Member("opere@droits.example", (), roles=(PlatformRole.OPERATOR,)),
    CallerKind.DESK: Member("bureau@droits.example", (), roles=(PlatformRole.DESK,)),
    CallerKind.REVOKED: Member("partie@droits.example"),
}
_WITHOUT = {each: Member(f"sans-{each}@droits.example", without=each) for each in APPLICATIONS}


def list_members() -> Iterator[Member]:
    """List all people and programs."""
    yield from MEMBERS.values()
    yield from _WITHOUT.values()


class Tokens:
    """Tokens of all kinds of callers: of people by the issuer's key, of a program by its secret."""

    def __init__(
        self, addresses: Addresses, http: httpx.AsyncClient, clock: Clock | None = None
    ) -> None:
        """Read the keys of a running platform, whose services go by `clock`."""
        self._http = http
        self._clock = clock or build_clock()
        self._people, self._machines = addresses.issuer, addresses.services["organisation"]
        self._key = read_key(addresses.issuer_key)
        self._other_key = generate_key()
        self.machine = ("", "")
        """Client id and secret of the program."""
        self._of_machine: dict[str, tuple[str, float]] = {}

    async def choose(self, kind: CallerKind, row: Expectation | None) -> str | None:
        """Sign the token of a kind of caller, for a row; None for who sends none."""
        if kind is CallerKind.ANONYMOUS:
            return None
        if kind in BAD_TOKENS:
            return self._sign_badly(kind)
        if kind in {CallerKind.MACHINE, CallerKind.MACHINE_WITHOUT}:
            scopes = _list_scopes(row, is_without=kind is CallerKind.MACHINE_WITHOUT)
            return await self._ask_for_machine(" ".join(scopes))
        member = MEMBERS[kind]
        if kind is CallerKind.NO_HABILITATION and row and row.application:
            member = _WITHOUT[row.application]
        return self.sign(member.name)

    def _sign_badly(self, kind: CallerKind) -> str:
        """Sign the token of the main manager, valid but for one thing."""
        claims = self._build_claims(MEMBERS[CallerKind.MAIN_MANAGER].name)
        if kind is CallerKind.ALG_NONE:
            return _sign_by_none(claims)
        if kind is CallerKind.WRONG_ISSUER:
            return sign_claims(claims | {"iss": "https://ailleurs.example"}, self._other_key)
        changes: Mapping[CallerKind, dict[str, Any]] = {
            CallerKind.EXPIRED: {"exp": int(self._clock().timestamp()) - _SKEW_S - 1},
            CallerKind.WRONG_AUDIENCE: {"aud": "une-autre-plateforme"},
        }
        return sign_claims(claims | changes[kind], self._key)

    def sign(self, email: str, siret: str | None = None) -> str:
        """Sign the token of a person, for whose SIRET the issuer vouches."""
        claims = self._build_claims(email)
        return sign_claims(claims | ({"siret": siret} if siret else {}), self._key)

    def _build_claims(self, email: str) -> dict[str, Any]:
        return build_claims(self._people, email, self._clock, name=email.partition("@")[0].title())

    async def _ask_for_machine(self, scope: str) -> str:
        """Ask for the token of the program, with a scope; keep it for a while."""
        token, until = self._of_machine.get(scope, ("", 0.0))
        if until < time.monotonic():
            answer = await self._http.post(
                f"{self._machines}/oauth/token",
                auth=self.machine,
                data={"grant_type": "client_credentials", "scope": scope},
            )
            token = str(answer.raise_for_status().json()["access_token"])
            self._of_machine[scope] = token, time.monotonic() + _KEPT_S
        return token


def _list_scopes(row: Expectation | None, *, is_without: bool) -> Iterator[str]:
    """List every scope, or those that are not enough for a row."""
    for each in APPLICATIONS:
        if not is_without or row is None or each != row.application:
            yield f"{each}:{Level.MODIFICATION}"
        elif row.verdicts[CallerKind.CONSULTATION] is not Verdict.YES:
            yield f"{each}:{Level.CONSULTATION}"


def _sign_by_none(claims: Mapping[str, Any]) -> str:
    """Write claims as a JWT that nobody has signed."""
    key = ECKey.generate_key("P-256")
    with catch_warnings():
        # joserfc says at each use that nobody should.
        simplefilter("ignore")
        return jwt.encode({"alg": "none", "typ": "JWT"}, dict(claims), key, algorithms=["none"])
