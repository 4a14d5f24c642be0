"""Rights that go: a structure that closes, a right that is revoked, a token that expires."""

import asyncio
from collections.abc import Mapping

import httpx
import pytest

from shared.contracts.envelope import Event, Payload, encode
from shared.contracts.organisation_v1 import (
    AttachmentV1,
    HabilitationV1,
    ParametersV1,
    PrincipalChanged,
    StructureChanged,
)
from shared.contracts.topics import HABILITATION, STRUCTURE, Topic
from shared.rights.identity import compute_identity
from shared.rights.model import Level, PrincipalKind
from shared.runtime.clock import build_clock
from shared.runtime.ids import new_id
from shared.vocabulary.roles import Role
from shared.vocabulary.statuses import Status
from shared.vocabulary.structures import IdentifierType, StructureKind, StructureStatus
from tests.integration.notification.dossiers import Dossier
from tests.integration.rights.conftest import Site
from tests.kit.access import build_email, get_access
from tests.kit.waiting import scale_timeout, wait_until

_TRAVAUX = "factures_de_travaux"
_clock = build_clock()


async def tell(site: Site, topic: Topic, key: str, data: Payload) -> None:
    """Put an event on a topic, as organisation would."""
    event: Event[Payload] = Event(
        id=new_id(),
        source="/tests",
        type=data.event_type,
        time=_clock(),
        subject=key,
        correlationid=key,
        data=data,
    )
    await site.producer.send_and_wait(topic.name, encode(event), key=key.encode())


def a_principal(email: str, version: int, *attachments: AttachmentV1) -> PrincipalChanged:
    identity = compute_identity(PrincipalKind.USER, email)
    return PrincipalChanged(
        principal=f"p-{identity[:20]}",
        version=version,
        identity=identity,
        kind=PrincipalKind.USER,
        attachments=attachments,
        at=_clock(),
    )


def an_attachment(structure: str) -> AttachmentV1:
    right = HabilitationV1(application=_TRAVAUX, level=Level.CONSULTATION)
    return AttachmentV1(structure=structure, habilitations=(right,))


@pytest.fixture
async def dossier(site: Site) -> Dossier:
    made = Dossier(site.producer)
    await made.tell(Status.DEPOSEE)
    return made


class Reader:
    """A person whose rights are told on the topic."""

    def __init__(self, site: Site, dossier: Dossier, **claims: object) -> None:
        self.site, self.structure = site, dossier.structure(Role.MOA)
        self.path = f"/dossiers/{dossier.id}/statuses"
        self.email = build_email(new_id())
        token = get_access().sign_token(self.email, **claims)
        self.headers: Mapping[str, str] = {
            "Authorization": f"Bearer {token}",
            "X-Structure": self.structure,
            "X-Role": Role.MOA.value,
        }
        self.principal = a_principal(self.email, 1, an_attachment(self.structure))

    async def tell(self, state: PrincipalChanged) -> None:
        await tell(self.site, HABILITATION, state.principal, state)

    async def revoke(self) -> None:
        await self.tell(a_principal(self.email, 2))

    async def read(self) -> httpx.Response:
        return await self.site.notification.get(self.path, headers=self.headers)

    async def find_code(self) -> str | None:
        """Read, and give the code of the refusal; None when it is answered."""
        answer = await self.read()
        return None if answer.status_code == 200 else answer.json()["code"]

    async def come_in(self) -> None:
        """Be given the right, and wait until it has come."""
        await self.tell(self.principal)

        async def is_in() -> bool:
            return await self.find_code() is None

        await wait_until(is_in, "the right has come")


async def test_a_right_that_is_revoked_is_refused_a_moment_later(
    site: Site, dossier: Dossier
) -> None:
    reader = Reader(site, dossier)
    assert await reader.find_code() == "HTTP-DROIT-09"
    await reader.come_in()

    await reader.revoke()

    async def is_out() -> bool:
        return await reader.find_code() == "HTTP-DROIT-01"

    await wait_until(is_out, "the right has gone")


async def test_a_structure_that_was_just_deactivated_is_refused(
    site: Site, dossier: Dossier
) -> None:
    reader = Reader(site, dossier)
    await reader.come_in()
    state = StructureChanged(
        structure=reader.structure,
        version=1,
        identifier_type=IdentifierType.AUTRE,
        identifier=reader.structure,
        name="Fermée",
        kind=StructureKind.PUBLIQUE,
        status=StructureStatus.INACTIF,
        parameters=ParametersV1(),
        at=_clock(),
    )

    await tell(site, STRUCTURE, reader.structure, state)

    async def is_closed() -> bool:
        return await reader.find_code() == "HTTP-DROIT-03"

    await wait_until(is_closed, "the structure is closed")


async def test_a_live_stream_ends_when_its_right_is_revoked(site: Site, dossier: Dossier) -> None:
    reader = Reader(site, dossier)
    await reader.come_in()

    async with site.notification.stream(
        "GET", f"{reader.path}/stream", headers=reader.headers
    ) as response:
        assert response.status_code == 200
        lines = response.aiter_lines()
        assert (await anext(lines)).startswith("id: 1")
        await reader.revoke()
        # Whole: the body ends as it should, and is not cut.
        async with asyncio.timeout(scale_timeout(15)):
            async for _ in lines:
                pass

    assert await reader.find_code() == "HTTP-DROIT-01"


async def test_a_live_stream_ends_when_its_token_expires(site: Site, dossier: Dossier) -> None:
    ends = int(_clock().timestamp()) + int(scale_timeout(6))
    reader = Reader(site, dossier, exp=ends)
    await reader.come_in()

    async with site.notification.stream(
        "GET", f"{reader.path}/stream", headers=reader.headers
    ) as response:
        assert response.status_code == 200
        async with asyncio.timeout(scale_timeout(20)):
            async for _ in response.aiter_lines():
                pass

    # Not before, and well before the skew within which the token would still be accepted.
    assert ends <= _clock().timestamp() < ends + 25


async def test_a_closed_account_is_refused(site: Site, dossier: Dossier) -> None:
    reader = Reader(site, dossier)
    await reader.come_in()

    closed = a_principal(reader.email, 2, an_attachment(reader.structure))
    await reader.tell(closed.model_copy(update={"active": False}))

    async def is_out() -> bool:
        return await reader.find_code() == "HTTP-DROIT-09"

    await wait_until(is_out, "the account is closed")
