"""The audit trail, and what awaits a structure."""

import subprocess
import sys

import pytest

from shared.contracts import topics
from shared.vocabulary.roles import Role
from tests.integration.routing.test_circuits import EN_COURS, travel
from tests.integration.routing.world import Deposits, World, wait_until
from tests.kit.waiting import scale_timeout


async def arrived(world: World) -> Deposits:
    dossier = await world.dossier()
    await travel(dossier, EN_COURS)
    await world.until_status(dossier, "A19", "MISE_A_DISPOSITION")
    return dossier


def verify(world: World, dossier: Deposits) -> subprocess.CompletedProcess[str]:
    return call(world, "verify", dossier.id, "--trail-only")


def call(world: World, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [
            *(sys.executable, "-m", "services.routing", *words),
            *("--mongo", world.addresses.mongo),
        ],
        capture_output=True,
        text=True,
        timeout=scale_timeout(30),
        check=False,
    )


async def test_an_audit_trail_verifies_over_http_and_by_command(world: World) -> None:
    dossier = await arrived(world)

    answer = await world.get(f"/dossiers/{dossier.id}/audit", dossier.parties[Role.MOA], Role.MOA)
    command = verify(world, dossier)

    assert answer.json()["verification"] == {
        "is_valid": True,
        "entries": 3,
        "fault_version": None,
        "fault": None,
    }
    assert [len(entry["files"]) for entry in answer.json()["entries"]] == [1, 1, 1]
    assert command.returncode == 0, command.stderr
    assert "3 entries" in command.stdout


async def test_a_state_is_published_again_by_command(world: World) -> None:
    dossier = await arrived(world)
    version = world.db["dossiers"].find_one({"_id": dossier.id})["version"]
    told = world.told.on(topics.DOSSIER, dossier.id)
    await wait_until(lambda: told and told[-1].data.version == version, "the state is told")
    before, number = told[-1], len(told)

    done = call(world, "republish", dossier.id)

    assert done.returncode == 0, done.stderr
    await wait_until(lambda: len(told) == number + 1, "it is told again")
    assert told[-1].id != before.id
    assert told[-1].data.model_copy(update={"at": before.data.at}) == before.data
    assert verify(world, dossier).returncode == 0
    assert call(world, "republish", "absent").returncode == 2

    assert call(world, "republish", dossier.id).returncode == 0
    await wait_until(lambda: len(told) == number + 2, "it is told once more")
    assert [each.sequence for each in told] == [*range(1, number + 3)]


async def test_one_byte_changed_in_the_store_is_located(world: World) -> None:
    dossier = await arrived(world)
    second = world.db["audit"].find_one({"dossier": dossier.id, "version": 9})
    number = second["events"][0]["deposit"]["number"]
    world.db["audit"].update_one(
        {"_id": second["_id"]},
        {"$set": {"events.0.deposit.number": number[:-1] + chr(ord(number[-1]) ^ 1)}},
    )

    answer = await world.get(f"/dossiers/{dossier.id}/audit", dossier.parties[Role.MOA], Role.MOA)
    command = verify(world, dossier)

    assert answer.json()["verification"]["is_valid"] is False
    assert answer.json()["verification"]["fault_version"] == 9
    assert command.returncode == 1
    assert "entry 9 does not hold" in command.stdout


async def test_an_entry_taken_out_of_the_trail_is_noticed(world: World) -> None:
    dossier = await arrived(world)
    last = world.db["audit"].find_one({"dossier": dossier.id}, sort=[("version", -1)])
    world.db["audit"].delete_one({"_id": last["_id"]})

    assert verify(world, dossier).returncode == 1


async def test_a_dossier_that_its_trail_does_not_tell_is_noticed(world: World) -> None:
    dossier = await arrived(world)
    world.db["dossiers"].update_one(
        {"_id": dossier.id}, {"$set": {"state.pieces.0.deposit.amounts.ttc": "9999.00"}}
    )

    assert verify(world, dossier).returncode == 1


async def test_a_trail_holds_though_its_dossier_was_written_before_a_field_existed(
    world: World,
) -> None:
    dossier = await arrived(world)
    gone = world.db["dossiers"].update_one(
        {"_id": dossier.id}, {"$unset": {"state.pieces.0.deposit.comment": ""}}
    )

    assert gone.modified_count == 1
    assert verify(world, dossier).returncode == 0


async def test_awaited_pieces_lists_what_awaits_a_structure_oldest_first(world: World) -> None:
    moe = await world.structure()
    ids = []
    for _ in range(5):
        dossier = await world.dossier(moe=moe)
        await dossier.deposit("A4", Role.TITULAIRE)
        await world.until_status(dossier, "A4", "A_ASSOCIER_MOE")
        ids.append(dossier.id)

    first = (await world.get("/awaited-pieces", moe, Role.MOE, limit=3)).json()
    rest = (await world.get("/awaited-pieces", moe, Role.MOE, limit=3, after=first["next"])).json()
    other_role = (await world.get("/awaited-pieces", moe, Role.MOA)).json()

    assert [line["dossier_id"] for line in first["pieces"]] == ids[:3]
    assert [line["dossier_id"] for line in rest["pieces"]] == ids[3:]
    assert rest["next"] is None
    assert first["services"] == [{"service": None, "count": 5}]
    assert first["pieces"][0]["piece"]["cadre"] == "A4"
    assert other_role["pieces"] == []


async def test_a_dossier_listed_for_a_stranger_is_not_shown_to_them(world: World) -> None:
    dossier = await world.dossier()
    await dossier.deposit("A4", Role.TITULAIRE)
    await world.until_status(dossier, "A4", "A_ASSOCIER_MOE")
    stranger = await world.structure()
    world.db["dossiers"].update_one({"_id": dossier.id}, {"$push": {"awaited": f"moe|{stranger}"}})

    answer = await world.get("/awaited-pieces", stranger, Role.MOE)

    assert answer.status_code == 500
    assert dossier.id not in answer.text
    assert verify(world, dossier).returncode == 1


async def test_awaited_pieces_counts_and_filters_by_service(world: World) -> None:
    payer = await world.structure()
    moa = await world.structure()
    for service in ("TRAVAUX", None):
        dossier = await world.dossier(service_financier=payer, moa=moa)
        await travel(dossier, EN_COURS[:2])
        parties = dossier.payload("x", "A19", Role.MOA, "A15").parties
        named = parties.service_financier.model_copy(update={"service": service})
        await dossier.deposit(
            "A19",
            Role.MOA,
            "A15",
            parties=parties.model_copy(update={"service_financier": named}),
        )
        await world.until_status(dossier, "A19", "MISE_A_DISPOSITION")

    every = (await world.get("/awaited-pieces", payer, Role.SERVICE_FINANCIER)).json()
    one = (
        await world.get("/awaited-pieces", payer, Role.SERVICE_FINANCIER, service="TRAVAUX")
    ).json()

    assert every["services"] == [
        {"service": None, "count": 1},
        {"service": "TRAVAUX", "count": 1},
    ]
    assert len(every["pieces"]) == 2
    assert [line["awaited"]["actor"]["service"] for line in one["pieces"]] == ["TRAVAUX"]


@pytest.mark.parametrize(
    "cursor", ["hier", "0001-01-01T00:00:00+14:00|d", "2026-11-24|d", "2026-W48-2T10:00:00Z|d"]
)
async def test_a_cursor_that_was_never_given_is_refused(world: World, cursor: str) -> None:
    answer = await world.get("/awaited-pieces", "S", Role.MOE, after=cursor)

    assert answer.status_code == 422
    assert answer.json()["violations"][0]["field"] == "after"
