"""Access of tests to services: a development issuer, tokens it signs, and headers of callers.

`get_access()` gives the kit of the session. Its headers are of one user for each structure, whose
rights are put into the read model of every service that `run_services` has started.
"""

import json
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cache
from hashlib import sha256
from time import monotonic, sleep
from typing import Any
from urllib.parse import quote

import uvicorn
from joserfc.jwk import ECKey
from pymongo import MongoClient

from deploy.local import Platform, choose
from deploy.local.issuer.app import create_issuer
from deploy.local.issuer.keys import ALGORITHM, generate_key
from deploy.local.issuer.tokens import AUDIENCE, build_claims, sign_claims
from deploy.local.ports import HOST, find_free_port
from shared.rights.catalogue import list_applications
from shared.rights.identity import compute_identity
from shared.rights.model import (
    Attachment,
    Habilitation,
    Level,
    ManagerRole,
    PlatformRole,
    Principal,
    PrincipalKind,
)
from shared.runtime.clock import build_clock
from shared.runtime.messaging.principals import PRINCIPALS
from shared.runtime.store.database import Document, name_database
from shared.vocabulary.levels import WRITE_LEVEL
from shared.vocabulary.siret import is_siret
from shared.vocabulary.tickets import Desk

_LIFE = timedelta(days=3650)
"""Life of a token: the clocks of some services are years ahead."""
_START_LIMIT_S = 10
_VERSION = 1_000_000
"""Version of the rights that are put: above those of an account that organisation makes."""
_clock = build_clock()


@dataclass(frozen=True, slots=True)
class ReadModel:
    """Read model of a service, in which the rights of users are put."""

    mongo: MongoClient[Document]
    database: str
    known: set[str] = field(default_factory=set)
    """Ids of the users that it holds."""

    def put(self, user: Principal) -> None:
        """Put the rights of a user there, once."""
        if user.id not in self.known:
            row = PRINCIPALS.write(user, WRITE_LEVEL)
            self.mongo[self.database][PRINCIPALS.collection].replace_one(
                {"_id": user.id}, row, upsert=True
            )
            self.known.add(user.id)


@dataclass
class AccessKit:
    """Tokens of one development issuer, and headers of callers of services that trust it."""

    url: str
    key: ECKey
    _read_models: list[ReadModel] = field(default_factory=list)
    _tokens: dict[str, str] = field(default_factory=dict)

    @property
    def issuers(self) -> str:
        """Setting by which a service trusts this issuer, as JSON."""
        issuer = {"url": self.url, "audience": AUDIENCE, "algorithms": [ALGORITHM]}
        return json.dumps([issuer | {"operators": True, "proves_siret": True}])

    def issuers_env(self) -> dict[str, str]:
        """Build the environment variables by which a service trusts this issuer."""
        return {"AIGUILLAGE_ISSUERS": self.issuers}

    def sign_token(self, email: str, **claims: object) -> str:
        """Sign a token of a person; a claim that is None is left out."""
        usual = {"exp": int((_clock() + _LIFE).timestamp())}
        return self.sign_claims(build_claims(self.url, email, _clock, **(usual | claims)))

    def sign_claims(self, claims: Mapping[str, Any]) -> str:
        """Sign claims as they are."""
        return sign_claims(claims, self.key)

    def headers(self, structure: str, role: str, **more: str) -> dict[str, str]:
        """Build the headers of the user of a structure: a main manager, who may do all there."""
        email = build_email(structure)
        self.put(build_user(email, {structure: build_attachment(structure)}))
        siret = structure if is_siret(structure) else None
        chosen = {"X-Structure": quote(structure, safe=""), "X-Role": str(role)}
        return self.authorize(email, f"Agent de {structure}", siret=siret) | chosen | more

    def desk_headers(
        self, desk: str, name: str, structure: str = "", **more: str
    ) -> dict[str, str]:
        """Build the headers of an agent of a desk; a business desk is of a structure."""
        email = build_email(f"{desk} {name} {structure}")
        roles = {PlatformRole.DESK} if desk == Desk.TECHNIQUE else set()
        attachments = {structure: build_attachment(structure)} if structure else {}
        self.put(build_user(email, attachments, roles))
        chosen = {"X-Structure": quote(structure, safe="")} if structure else {}
        return self.authorize(email, name) | {"X-Desk": desk} | chosen | more

    def operator_headers(self, name: str = "Opérateur", **more: str) -> dict[str, str]:
        """Build the headers of an operator of the platform."""
        email = build_email(f"operator {name}")
        self.put(build_user(email, {}, {PlatformRole.OPERATOR}))
        return self.authorize(email, name) | more

    def authorize(self, email: str, name: str, **claims: object) -> dict[str, str]:
        """Build the header of a person's token, which is signed once."""
        if email not in self._tokens:
            self._tokens[email] = self.sign_token(email, name=name, **claims)
        return {"Authorization": f"Bearer {self._tokens[email]}"}

    def put(self, user: Principal) -> None:
        """Put the rights of a user into every read model."""
        for each in self._read_models:
            each.put(user)

    @contextmanager
    def filling(self, mongo: str, services: Sequence[str], namespace: str = "") -> Iterator[None]:
        """Put the rights of users into the read models of services, within the block."""
        with MongoClient[Document](mongo) as client:
            models = [ReadModel(client, name_database(each, namespace)) for each in services]
            self._read_models += models
            try:
                yield
            finally:
                for each in models:
                    self._read_models.remove(each)


def build_email(text: str) -> str:
    """Build the e-mail address of a user from a text that names it."""
    return f"{sha256(text.encode()).hexdigest()[:16]}@exemple.fr"


def build_attachment(structure: str) -> Attachment:
    """Build the attachment of a main manager, who may do all at a structure."""
    habilitations = tuple(
        Habilitation(each.code, Level.MODIFICATION) for each in list_applications()
    )
    return Attachment(structure, ManagerRole.PRINCIPAL, habilitations)


def build_user(
    email: str, attachments: Mapping[str, Attachment], roles: set[PlatformRole] | None = None
) -> Principal:
    """Build the principal of a person."""
    return Principal(
        id=f"essai-{email}",
        identity=compute_identity(PrincipalKind.USER, email),
        kind=PrincipalKind.USER,
        version=_VERSION,
        attachments=attachments,
        platform_roles=frozenset(roles or ()),
    )


@cache
def get_access() -> AccessKit:
    """Get the kit of the session; its issuer runs in a thread until the process ends."""
    kit, _, _ = _start_issuer()
    return kit


@contextmanager
def run_issuer() -> Iterator[AccessKit]:
    """Run another development issuer in a thread, within the block."""
    kit, server, thread = _start_issuer()
    try:
        yield kit
    finally:
        server.should_exit = True
        thread.join()


@contextmanager
def run_services(
    *modules: str,
    env: Mapping[str, str] | None = None,
    **options: Any,  # noqa: ANN401 - Platform's
) -> Iterator[Platform]:
    """Run a platform whose services trust the issuer of the session, within the block."""
    access = get_access()
    options = {"backend": choose().backend} | options
    platform = Platform(services=modules, env={**access.issuers_env(), **(env or {})}, **options)
    names = [each.rpartition(".")[2] for each in modules]
    with platform, access.filling(platform.addresses.mongo, names):
        yield platform


def _start_issuer() -> tuple[AccessKit, uvicorn.Server, threading.Thread]:
    port = find_free_port()
    kit = AccessKit(f"http://{HOST}:{port}", generate_key())
    app = create_issuer(kit.url, kit.key, _clock)
    server = uvicorn.Server(uvicorn.Config(app, host=HOST, port=port, log_config=None))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    deadline = monotonic() + _START_LIMIT_S
    while not server.started:
        if monotonic() > deadline:
            raise TimeoutError("the issuer did not start")
        sleep(0.01)
    return kit, server, thread
