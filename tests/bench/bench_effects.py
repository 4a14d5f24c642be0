"""From a right, a MOA parameter or a mandate that ends to its effect on the next request.

`make bench`, or `python -m tests.bench.bench_effects`. A manager asks organisation for the change;
its outbox, the broker and the projection of deposit carry it; a client asks deposit again and
again. The time runs from the answer of organisation to the end of the first request that is
answered otherwise.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated

import httpx
import typer

from deploy.local import Addresses, einvoices
from deploy.local.einvoices import Trader
from shared.runtime.clock import build_clock
from shared.runtime.ids import new_id
from shared.vocabulary.levels import LEVEL
from shared.vocabulary.roles import Role
from tests.integration.deposit.world import MOA, TITULAIRE, World, acting, an_opener, beside
from tests.kit.access import get_access, run_services
from tests.kit.waiting import scale_timeout

_MANDANT = "13002526500013"
_TIMEOUT_S = 60
_POLL_S = 0.002
Happened = Callable[[], Awaitable[bool]]


def main(times: Annotated[int, typer.Option(min=1)] = 200) -> None:
    """Change each `times`, and print median, p99 and worst of each."""
    # Mandates are judged from the newest level on.
    env = {"AIGUILLAGE_WRITE_LEVEL": str(LEVEL)}
    with run_services("services.organisation", "services.deposit", env=env) as platform:
        found = asyncio.run(_measure(platform.addresses, times))
    for what, took in found.items():
        _print(what, took)


async def _measure(addresses: Addresses, times: int) -> Mapping[str, Sequence[float]]:
    async with (
        World(addresses) as world,
        httpx.AsyncClient(
            base_url=addresses.services["organisation"], timeout=scale_timeout(30)
        ) as organisation,
    ):
        staff = await _attach_user(organisation)
        revoked = [await _revoke(world, staff) for _ in range(times)]
        await _declare_public(organisation, MOA, "Ville de Vaubrun")
        await _follow_moa(world, organisation)
        changed = [
            await _change_moa(world, organisation, moa)
            for moa in ("sans" if number % 2 == 0 else "avec" for number in range(times))
        ]
        await _set_moa(organisation, "avec")
        await _declare_public(organisation, _MANDANT, "Département du Val")
        closed = [await _close_mandate(world, organisation) for _ in range(times)]
        return {
            "a revoked habilitation": revoked,
            "a changed MOA parameter": changed,
            "a closed mandate": closed,
        }


@dataclass(frozen=True)
class _Staff:
    """A user of a structure, and its main manager, who gives and revokes its habilitations."""

    organisation: httpx.AsyncClient
    manager: dict[str, str]
    user: dict[str, str]
    user_id: str

    async def set_habilitations(self, *applications: str) -> None:
        """Replace the habilitations of the user, all of the level consultation."""
        answer = await self.organisation.put(
            f"/structures/{TITULAIRE}/attachments/{self.user_id}/habilitations",
            json={
                "habilitations": [
                    {"application": each, "level": "consultation"} for each in applications
                ]
            },
            headers=self.manager | {"If-Match": "*"},
        )
        assert answer.status_code == 200, answer.text


async def _attach_user(organisation: httpx.AsyncClient) -> _Staff:
    """Create a structure as its main manager, and attach a user to it."""
    kit, path = get_access(), f"/structures/{TITULAIRE}"
    manager = kit.authorize("gerante@exemple.fr", "Gérante", siret=TITULAIRE)
    user = kit.authorize("comptable@exemple.fr", "Comptable")
    created = await organisation.put(
        path,
        json={
            "identifier_type": "SIRET",
            "identifier": TITULAIRE,
            "name": "Bâtisseurs du Rhône",
            "kind": "PRIVEE",
        },
        headers=manager,
    )
    assert created.status_code == 201, created.text
    asked = await organisation.post(f"{path}/attachments", headers=user)
    assert asked.status_code == 201, asked.text
    user_id = asked.json()["user_id"]

    async def is_approved() -> bool:
        # Organisation knows the rights of the new manager a moment later.
        answer = await organisation.post(
            f"{path}/attachments/{user_id}/decision",
            json={"decision": "approuver"},
            headers=manager,
        )
        return answer.is_success

    await _wait(is_approved)
    return _Staff(organisation, manager, user, user_id)


async def _revoke(world: World, staff: _Staff) -> float:
    """Give a user a right, revoke it, and time until deposit refuses."""
    headers = acting(Role.TITULAIRE) | staff.user

    async def has_status(status: int) -> bool:
        answer = await world.http.get(f"/pieces/{new_id()}", headers=headers)
        return bool(answer.status_code == status)

    await staff.set_habilitations("factures_de_travaux")
    await _wait(lambda: has_status(404))
    await staff.set_habilitations()
    return await _wait(lambda: has_status(403))


async def _declare_public(organisation: httpx.AsyncClient, siret: str, name: str) -> None:
    """Declare a public structure « avec MOA » at organisation."""
    declared = await organisation.put(
        f"/structures/{siret}",
        json={
            "identifier_type": "SIRET",
            "identifier": siret,
            "name": name,
            "kind": "PUBLIQUE",
            "parameters": {"moa": "avec"},
        },
        headers=get_access().operator_headers(),
    )
    assert declared.status_code == 201, declared.text


async def _follow_moa(world: World, organisation: httpx.AsyncClient) -> None:
    """Let deposit follow what organisation says of the MOA."""
    # Deposit knows a version that the tests have told: organisation's must be above it.
    for moa in ("sans", "avec") * 2:
        await _set_moa(organisation, moa)
    await _wait(lambda: _is_accepted(world))


async def _change_moa(world: World, organisation: httpx.AsyncClient, moa: str) -> float:
    """Change the MOA parameter, and time until deposit judges by it."""
    wanted = moa == "avec"

    async def is_judged() -> bool:
        return await _is_accepted(world) is wanted

    await _set_moa(organisation, moa)
    return await _wait(is_judged)


async def _set_moa(organisation: httpx.AsyncClient, moa: str) -> None:
    answer = await organisation.patch(
        f"/structures/{MOA}/parameters",
        json={"moa": moa},
        headers=get_access().headers(MOA, Role.MOA, **{"If-Match": "*"}),
    )
    assert answer.status_code == 200, answer.text


async def _close_mandate(world: World, organisation: httpx.AsyncClient) -> float:
    """Give a mandate, close it, and time until deposit refuses a piece under it."""
    path, today = f"/structures/{_MANDANT}/mandates", build_clock()().date()
    headers = get_access().headers(_MANDANT, Role.MOA)
    given = await organisation.post(
        path,
        data={
            "delegate": MOA,
            "valid_from": (today - timedelta(days=1)).isoformat(),
            "valid_until": (today + timedelta(days=30)).isoformat(),
        },
        files={"file": ("mandat.pdf", einvoices.write_plain_pdf(an_opener()))},
        headers=headers,
    )
    assert given.status_code == 201, given.text

    async def is_refused() -> bool:
        return not await _is_accepted(world, is_delegated=True)

    await _wait(lambda: _is_accepted(world, is_delegated=True))
    closed = await organisation.delete(
        f"{path}/{given.json()['mandate_id']}", headers=headers | {"If-Match": "*"}
    )
    assert closed.is_success, closed.text
    return await _wait(is_refused)


async def _is_accepted(world: World, *, is_delegated: bool = False) -> bool:
    opener, metadata = an_opener(), beside()
    if is_delegated:
        opener = an_opener(buyer=Trader("Ville de Vaubrun", MOA))
        metadata = beside(mandant=_MANDANT)
    answer = await world.deposit(einvoices.write_ubl(opener), metadata, dry_run=True)
    assert answer.status_code == 200, answer.text
    return not answer.json()["violations"]


async def _wait(has_happened: Happened) -> float:
    """Ask until something has happened; return how long that took, in seconds."""
    begun = time.perf_counter()
    while not await has_happened():
        if time.perf_counter() - begun > _TIMEOUT_S:
            raise TimeoutError("the change has had no effect")
        await asyncio.sleep(_POLL_S)
    return time.perf_counter() - begun


def _print(what: str, took: Sequence[float]) -> None:
    ordered = sorted(took)
    p99 = ordered[min(len(ordered) - 1, int(len(ordered) * 0.99))]
    print(
        f"{what}: {len(ordered)} times, median {ordered[len(ordered) // 2] * 1000:.0f} ms, "
        f"p99 {p99 * 1000:.0f} ms, worst {ordered[-1] * 1000:.0f} ms"
    )


if __name__ == "__main__":
    typer.run(main)
