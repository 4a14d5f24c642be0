"""An operator switches rows of the circuit off: no dossier opens by them, those open go on."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio

from deploy.local import Platform, einvoices
from shared.circuit.loader import CURRENT
from shared.vocabulary.roles import Role
from tests.integration.deposit.world import World, acting, an_opener, beside, codes

SETTING = "AIGUILLAGE_SWITCHED_OFF"


@pytest.fixture
def switch(monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    """What the next start of deposit reads."""
    with monkeypatch.context() as setting:
        yield setting


@pytest_asyncio.fixture(loop_scope="session")
async def restarting(platform: Platform, switch: pytest.MonkeyPatch) -> AsyncIterator[None]:
    """Deposit as it was, once the test is over."""
    yield
    switch.delenv(SETTING)
    await _restart(platform)


async def _restart(platform: Platform) -> None:
    platform.kill("deposit")
    await asyncio.to_thread(platform.restart, "deposit")


@pytest.mark.usefixtures("restarting")
async def test_what_is_switched_off_opens_nothing_and_what_is_open_goes_on(
    platform: Platform, world: World, switch: pytest.MonkeyPatch
) -> None:
    before = await world.opened_and_awaiting_moe()
    switch.setenv(SETTING, "A15 A6")
    await _restart(platform)

    monthly = await world.deposit(einvoices.write_ubl(an_opener()), beside())
    state = await world.deposit(
        einvoices.write_ubl(an_opener(cadre="A15")), beside(opens=True), acting(Role.MOE)
    )
    final = await world.deposit(einvoices.write_ubl(an_opener(cadre="A7")), beside())
    followed = await world.follow(before["piece_id"])

    assert codes(monthly) == [("CIR-CADRE-06", "parties.moa")]
    assert codes(state) == [("CIR-CADRE-01", "cadre")]
    assert final.status_code == followed.status_code == 201
    tables = [
        (await world.read_deposits(each["dossier_id"], number))[-1]["data"]["table_version"]
        for each, number in ((before, 2), (final.json(), 1))
    ]
    assert tables == [CURRENT, f"{CURRENT}-A15-A6"]
    assert _logged(platform) == {
        ("A6", "switched off"),
        ("A15", "switched off"),
        *((cadre, "its recipient moe could deposit nothing") for cadre in ("A4", "A10", "A13")),
    }


def _logged(platform: Platform) -> set[tuple[str, str]]:
    lines = platform.get_log("deposit").read_text(encoding="utf-8").splitlines()
    events = [json.loads(line) for line in lines if '"circuit.off"' in line]
    return {(event["cadre"], event["reason"]) for event in events}
