"""One command compares every copy of a dossier with its audit trail, and names what differs."""

import subprocess
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import pytest
import pytest_asyncio
from bson import Decimal128

from deploy.local.demo.pieces import write_factur_x, write_ubl
from deploy.local.demo.structures import MAIRIE, ONE_SIRET, TITULAIRE, Structure
from deploy.local.programs import ROOT
from services.routing.adapters.dossiers import MongoDossiers
from services.routing.adapters.peers import Addresses, open_http_peers
from services.routing.application.copy_verification import find_copy_differences
from shared.contracts.public_paths import build_public_path
from shared.runtime.clock import build_clock
from shared.runtime.store.database import Store
from shared.vocabulary.roles import Role
from shared.vocabulary.structures import StructureKind
from tests.contracts.test_golden_stored import FORMATS, find_new_fields
from tests.integration.portal.whole_platform import World
from tests.kit.waiting import scale_timeout, wait_until

STRANGER = "90000000900010"
LEFT_BY_OTHERS = {
    "deposit/settlements",
    "deposit/sheets",
    "notification/subscriptions",
    "routing/mandates",
} | {
    f"organisation/{each}"
    for each in (
        "activations",
        "establishments",
        "habilitation_requests",
        "invitations",
        "machines",
        "mandate_registers",
        "mandates",
        "sheet_versions",
        "sheets",
        "structure_requests",
    )
}
"""Collections in which a dossier, and the sign-up of its parties, leave nothing."""


@dataclass(frozen=True, slots=True)
class Carried:
    """A dossier that was carried to its end, and the world around it."""

    world: World
    dossier: str

    def change(self, where: str, wanted: dict[str, Any], to: dict[str, Any]) -> dict[str, Any]:
        """Change the first document of a collection, and give it as it was."""
        database, _, name = where.partition(".")
        collection = self.world.mongo[database][name]
        named = {"$or": [{"dossier_id": self.dossier}, {"_id": self.dossier}]}
        before = collection.find_one({**named, **wanted}, sort=[("_id", 1)])
        assert before
        assert collection.update_one({"_id": before["_id"]}, {"$set": to}).modified_count == 1
        return before

    def restore(self, where: str, before: dict[str, Any]) -> None:
        """Put a document back."""
        database, _, name = where.partition(".")
        self.world.mongo[database][name].replace_one({"_id": before["_id"]}, before)

    async def differences(self) -> list[str]:
        """Compare."""
        at = self.world.platform.addresses
        addresses = Addresses(*(at.roots[each] for each in PEERS))
        async with (
            Store(at.mongo, "routing", build_clock()) as store,
            open_http_peers(addresses, self.world.list_tokens()) as peers,
        ):
            return await find_copy_differences(MongoDossiers(store), self.dossier, peers)

    def command(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run the operator's command."""
        at = self.world.platform.addresses
        asked = [part for each in PEERS for part in (f"--{each}", at.roots[each])]
        return subprocess.run(
            [*COMMAND, self.dossier, "--mongo", at.mongo, *asked, *words],
            env={"AIGUILLAGE_TOKENS": " ".join(self.world.list_tokens())},
            capture_output=True,
            encoding="utf-8",
            cwd=ROOT,
            timeout=scale_timeout(120),
            check=False,
        )


COMMAND = (sys.executable, "-m", "services.routing", "verify")
PEERS = ("deposit", "portal", "notification")


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def carried(whole: World) -> AsyncIterator[Carried]:
    dossier = await whole.paid(await whole.scene.open("A4", ONE_SIRET, write_factur_x))
    found = Carried(whole, dossier)

    async def has_settled() -> bool:
        return not await found.differences()

    await wait_until(has_settled, "every copy agrees", 60)
    yield found


PLANTED: dict[str, tuple[str, dict[str, Any], dict[str, Any], str]] = {
    "deposit: an amount": (
        "deposit.pieces",
        {"piece.draft.cadre": "A4"},
        {"piece.draft.amounts.ttc": "99999.00"},
        "amounts.ttc: '99999.00'",
    ),
    "deposit: a number": (
        "deposit.pieces",
        {"piece.draft.cadre": "A15"},
        {"piece.draft.number": "AUTRE"},
        "number: 'AUTRE'",
    ),
    "deposit: a name of a file": (
        "deposit.pieces",
        {"piece.draft.cadre": "A15"},
        {"piece.file.name": "autre.pdf"},
        "file.name: 'autre.pdf'",
    ),
    "deposit: the comment of a completion": (
        "deposit.pieces",
        {"piece.draft.cadre": "A4"},
        {"piece.completions.0.comment": "Rien."},
        "completions[0].comment: 'Rien.'",
    ),
    "portal: who sees a piece": (
        "portal.pieces",
        {"cadre": "A4"},
        {"seen_by": [f"titulaire|{STRANGER}", f"moa|{MAIRIE.siret}"]},
        "500 POR-PIECE-01",
    ),
    "portal: nobody sees a piece": ("portal.pieces", {"cadre": "A4"}, {"seen_by": []}, "not found"),
    "portal: who received a piece": (
        "portal.pieces",
        {"cadre": "A4"},
        {"received_by": []},
        "received: False",
    ),
    "portal: a stranger sees a piece, as a party too": (
        "portal.pieces",
        {"cadre": "A4"},
        {
            "seen_by": [f"cotraitant|{STRANGER}"],
            "parties": {"cotraitant": {"structure": STRANGER, "service": None}},
            "party_keys": {"cotraitant": f"{STRANGER}\x1f"},
        },
        "is not found",
    ),
    "portal: a status": (
        "portal.pieces",
        {"cadre": "A15"},
        {"whole.status": "REJETEE"},
        "status: 'REJETEE'",
    ),
    "portal: the status of the supplier's side": (
        "portal.pieces",
        {"cadre": "A15"},
        {"reported.status": "REJETEE"},
        "portal, as titulaire: ",
    ),
    "portal: an engagement": (
        "portal.pieces",
        {"cadre": "A4"},
        {"engagement": "EJ-FAUX"},
        "engagement: 'EJ-FAUX'",
    ),
    "deposit: what is to be paid": (
        "deposit.dossiers",
        {},
        {"state.prevailing.amounts.due": "99999.00"},
        "prevailing.amounts.due: '99999.00'",
    ),
    "deposit: whose amounts are settled": (
        "deposit.dossiers",
        {},
        {"state.prevailing.is_settled": False},
        "prevailing.is_settled: False",
    ),
    "deposit: who received a piece": (
        "deposit.pieces",
        {"piece.draft.cadre": "A4"},
        {"piece.draft.recipient.structure": STRANGER},
        f"next.structure: '{STRANGER}'",
    ),
    "portal: what is to be paid": (
        "portal.pieces",
        {"cadre": "A19"},
        {"prevailing.amounts.due": Decimal128("99999")},
        "prevailing.amounts.due: '99999.00'",
    ),
    "portal: the sign of a piece in the fiscal list": (
        "portal.pieces",
        {"cadre": "A4"},
        {"credit_note": True},
        "is_credit_note: True",
    ),
    "notification: a status": (
        "notification.statuses",
        {"status": "MISE_EN_PAIEMENT"},
        {"status": "REJETEE"},
        "status: 'REJETEE'",
    ),
    "notification: a stranger": (
        "notification.statuses",
        {"status": "MISE_EN_PAIEMENT"},
        {"parties.0": {"role": "cotraitant", "structure": STRANGER}},
        f"parties.cotraitant: {{'structure': '{STRANGER}'",
    ),
}


@pytest.mark.parametrize("case", PLANTED)
async def test_a_copy_that_differs_is_named(carried: Carried, case: str) -> None:
    where, wanted, to, said = PLANTED[case]
    before = carried.change(where, wanted, to)
    try:
        found = await carried.differences()
    finally:
        carried.restore(where, before)

    service = case.partition(":")[0]
    assert [each for each in found if each.startswith(service) and said in each], found


async def test_a_stranger_in_deposits_copy_of_the_parties_is_named(carried: Carried) -> None:
    dossiers = carried.world.mongo["deposit"]["dossiers"]
    wanted = {"_id": carried.dossier}
    change = {"state.parties.cotraitant": {"structure": STRANGER, "service": None}}
    dossiers.update_one(wanted, {"$set": change})
    try:
        found = await carried.differences()
    finally:
        dossiers.update_one(wanted, {"$set": {"state.parties.cotraitant": None}})

    assert any(f"dossier_parties.cotraitant: {{'structure': '{STRANGER}'" in each for each in found)
    assert await carried.differences() == []


async def test_a_stranger_who_was_let_in_is_shown_nothing(carried: Carried) -> None:
    before = carried.change(
        "portal.pieces", {"cadre": "A4"}, {"seen_by": [f"titulaire|{STRANGER}"]}
    )
    stranger = Structure(STRANGER, "Étrangère", StructureKind.PRIVEE)
    actor = carried.world.scene.build_member(stranger)
    await actor.declare(stranger.build_declaration())
    await carried.world.known_at_portal(stranger)
    try:
        answer = await carried.world.portal.get("/pieces", headers=actor.headers)
    finally:
        carried.restore("portal.pieces", before)

    assert (answer.status_code, answer.json()["code"]) == (500, "POR-PIECE-01")
    assert carried.dossier not in answer.text


async def test_a_file_that_was_changed_is_named_and_served_to_nobody(carried: Carried) -> None:
    world = carried.world
    database = world.mongo["deposit"]
    piece = database["pieces"].find_one({"dossier_id": carried.dossier, "piece.draft.cadre": "A4"})
    assert piece
    path = build_public_path("deposit", "pieces", piece["_id"])
    shown = piece["piece"]
    added = shown["completions"][0]["attachments"][0]["sha256"]
    cases = {
        f"{path}/file": shown["file"]["sha256"],
        f"{path}/certificate": shown["certificate_sha256"],
        f"{path}/completions/1/certificate": shown["completions"][0]["certificate_sha256"],
        f"{path}/attachments/{added}": added,
    }
    headers = world.headers(TITULAIRE, Role.TITULAIRE)

    deposit = world.scene.services.deposit
    for url, sha256 in cases.items():
        row = database["files"].find_one({"_id": sha256})
        assert row
        chunk = database["fs.chunks"].find_one({"files_id": row["upload"]})
        assert chunk
        data = bytes(chunk["data"])
        changed = data[:-1] + bytes((data[-1] ^ 1,))
        database["fs.chunks"].update_one({"_id": chunk["_id"]}, {"$set": {"data": changed}})
        try:
            served = await deposit.get(deposit.base_url.join(url), headers=headers)
            found = await carried.differences()
            exported = await world.export(carried.dossier)
        finally:
            database["fs.chunks"].replace_one({"_id": chunk["_id"]}, chunk)

        assert (served.status_code, served.json()["code"]) == (500, "HTTP-FILE-01")
        assert served.json()["detail"].endswith(f"Empreinte : {sha256}.")
        assert [each for each in found if each.startswith(f"deposit: {url}: 500 HTTP-FILE-01")]
        assert (exported.status_code, exported.json()["code"]) == (500, "POR-EXPORT-03")
    assert (await world.export(carried.dossier)).status_code == 200


async def test_a_payment_that_is_not_reported_differs_nowhere(whole: World) -> None:
    marche = await whole.declare_silent_marche()
    opener = await whole.scene.open("A4", marche, write_ubl)
    await whole.scene.carry_to_payment(opener, marche)
    found = Carried(whole, opener["dossier_id"])

    async def has_settled() -> bool:
        return not await found.differences()

    await wait_until(has_settled, "every copy agrees", 60)


@pytest.mark.parametrize(
    "change",
    [
        {"awaited": [f"moe|{STRANGER}"]},
        {"pieces": []},
        {"version": 1},
        {"held": STRANGER},
    ],
    ids=str,
)
async def test_how_routing_finds_a_dossier_is_verified_too(
    carried: Carried, change: dict[str, Any]
) -> None:
    at, dossiers = carried.world.platform.addresses, carried.world.mongo["routing"]["dossiers"]
    before = dossiers.find_one({"_id": carried.dossier})
    assert before
    dossiers.update_one({"_id": carried.dossier}, {"$set": change})
    try:
        async with Store(at.mongo, "routing", build_clock()) as store:
            report = await MongoDossiers(store).verify(carried.dossier)
    finally:
        dossiers.replace_one({"_id": carried.dossier}, before)

    assert report
    assert not report.is_valid
    assert report.fault
    assert report.fault.startswith("Ce par quoi le dossier est trouvé")


async def test_the_command_says_what_it_found_and_what_it_did_not_ask(carried: Carried) -> None:
    whole = carried.command()
    before = carried.change(
        "deposit.pieces", {"piece.draft.cadre": "A4"}, {"piece.draft.number": "X"}
    )
    try:
        changed = carried.command()
    finally:
        carried.restore("deposit.pieces", before)
    unasked = carried.command("--portal", "http://127.0.0.1:9")
    alone = carried.command("--portal", "http://127.0.0.1:9", "--trail-only")

    assert whole.returncode == 0, whole.stdout + whole.stderr
    assert "the trail holds" in whole.stdout
    assert "deposit, its files, portal and notification show what the trail tells" in whole.stdout
    assert changed.returncode == 1, changed.stdout
    assert "differences from the trail" in changed.stdout
    assert unasked.returncode == 2, unasked.stdout
    assert "the copies were NOT compared" in unasked.stdout
    assert alone.returncode == 0, alone.stdout


async def test_what_a_dossier_leaves_in_the_stores_has_no_field_without_a_golden_document(
    carried: Carried,
) -> None:
    stored = {
        name: list(carried.world.mongo[name.split("/")[0]][name.split("/")[1]].find())
        for name in FORMATS
        if not name.startswith("support/") and name not in LEFT_BY_OTHERS
    }

    assert all(stored.values())
    assert {name: find_new_fields(name, documents) for name, documents in stored.items()} == {
        name: [] for name in stored
    }
