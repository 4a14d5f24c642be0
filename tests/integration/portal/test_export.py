"""The export of a dossier on the real platform, and its verifier where nothing else is."""

import asyncio
import io
import json
import os
import random
import subprocess
import sys
import zipfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI
from starlette.types import ASGIApp, Receive, Scope, Send

from deploy.local.demo.actor import File
from deploy.local.demo.pieces import write_factur_x, write_ubl
from deploy.local.demo.structures import AMENAGEUR, MAIRIE, ONE_SIRET, TITULAIRE
from deploy.local.ports import find_free_port
from services.portal.adapters.export_assets import read_assets
from services.portal.adapters.export_queue import ExportQueue
from services.portal.application.exports import Exports
from services.portal.domain.verifier import verify as verifier
from services.portal.entrypoints.export import create_export_router
from services.portal.settings import Settings
from shared.circuit.statuses import Act
from shared.rights.model import Requester
from shared.runtime.clock import build_clock
from shared.runtime.web.caller import REQUESTER
from shared.runtime.web.problems import install_handlers
from shared.vocabulary.levels import LEVEL
from shared.vocabulary.roles import Role
from tests.integration.portal.whole_platform import World
from tests.kit.fake_access import build_requester
from tests.kit.process_memory import measure_peak_mb
from tests.kit.waiting import scale_timeout
from tests.unit.portal.export_changes import every_change

SOURCE = Path(verifier.__file__)


@pytest.fixture
def world(whole: World) -> World:
    return whole


def verify(folder: Path, *words: str, by: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Run the export's own verifier, or another, with nothing around it: no packages at all."""
    command = [str(by), *words, str(folder)] if by else [str(folder / "verify.py"), *words]
    return subprocess.run(
        [sys.executable, "-I", "-S", *command],
        capture_output=True,
        encoding="utf-8",
        env={},
        timeout=scale_timeout(60),
        check=False,
    )


async def test_an_export_verifies_where_python_is_alone(world: World, tmp_path: Path) -> None:
    dossier = await world.paid(await world.scene.open("A4", ONE_SIRET, write_factur_x))

    folder = await world.unpacked(dossier, tmp_path / "dossier")
    answer = await world.export(dossier)
    archive = tmp_path / "export.zip"
    archive.write_bytes(answer.content)
    found = verify(folder)

    assert answer.headers["content-type"] == "application/zip"
    assert int(answer.headers["content-length"]) == len(answer.content)
    assert found.returncode == 0, found.stdout + found.stderr
    assert found.stdout.startswith(f"conforme : dossier {dossier}, 15 fichiers, 3 pièces, ")
    assert verify(folder, str(archive)).stdout == found.stdout


async def test_the_head_is_the_one_that_the_compacted_topic_tells(
    world: World, tmp_path: Path
) -> None:
    dossier = await world.paid(await world.scene.open("A4", ONE_SIRET, write_ubl))

    folder = await world.unpacked(dossier, tmp_path)
    told = await world.told(dossier)

    assert told["closed"]
    assert verify(folder, "--tete", told["trail"]).returncode == 0
    assert verify(folder, "--tete", told["trail"][::-1]).returncode == 1


async def test_one_byte_changed_in_what_was_exported_is_found_there(
    world: World, tmp_path: Path
) -> None:
    dossier = await world.paid(await world.scene.open("A4", ONE_SIRET, write_factur_x))
    folder = await world.unpacked(dossier, tmp_path)
    members = sorted(path for path in folder.rglob("*") if path.is_file())

    for path in members:
        whole = path.read_bytes()
        position = random.randrange(len(whole))
        path.write_bytes(
            whole[:position] + bytes((whole[position] ^ 0x10,)) + whole[position + 1 :]
        )
        found = verify(folder, by=SOURCE)
        path.write_bytes(whole)

        assert found.returncode == 1, (path, position, found.stdout, found.stderr)
        assert path.relative_to(folder).as_posix() in found.stdout
    assert verify(folder).returncode == 0


async def test_any_change_of_a_real_export_is_named_under_its_true_head(world: World) -> None:
    dossier = await world.paid(await world.scene.open("A4", ONE_SIRET, write_factur_x))
    with zipfile.ZipFile(io.BytesIO((await world.export(dossier)).content)) as archive:
        contents = {name: archive.read(name) for name in archive.namelist()}
    head = json.loads(contents[verifier.TRAIL].splitlines()[-1])["hash"]
    every = [*every_change(contents)]
    seed = random.randrange(1_000_000)
    picked = random.Random(seed).sample(every, 300)
    print(f"{len(picked)} of {len(every)} changes, seed {seed}")

    for change in picked:
        faults, unproven = change.verdict(head)
        is_listed = any(each.startswith(change.where) for each in unproven)
        assert faults or is_listed, (change.where, change.how)


async def test_one_byte_changed_in_the_store_is_exported_and_found(
    world: World, tmp_path: Path
) -> None:
    dossier = await world.paid(await world.scene.open("A4", ONE_SIRET, write_ubl))
    second = world.mongo["routing"]["audit"].find({"dossier": dossier}).sort("version", 1)[1]
    structure = second["events"][0]["by"]["structure"]
    world.mongo["routing"]["audit"].update_one(
        {"_id": second["_id"]},
        {"$set": {"events.0.by.structure": structure[:-1] + chr(ord(structure[-1]) ^ 1)}},
    )

    found = verify(await world.unpacked(dossier, tmp_path))

    assert found.returncode == 1
    assert (
        f"piste-audit.jsonl, ligne 2 (entrée de version {second['version']}) : "
        "a changé depuis qu'elle a été écrite"
    ) in found.stdout


async def test_an_entry_taken_out_of_the_store_is_exported_and_found(
    world: World, tmp_path: Path
) -> None:
    dossier = await world.paid(await world.scene.open("A4", ONE_SIRET, write_ubl))
    entries = list(world.mongo["routing"]["audit"].find({"dossier": dossier}).sort("version", 1))
    world.mongo["routing"]["audit"].delete_one({"_id": entries[3]["_id"]})

    found = verify(await world.unpacked(dossier, tmp_path))

    assert found.returncode == 1
    assert (
        f"piste-audit.jsonl, ligne 4 (entrée de version {entries[4]['version']}) : "
        "une entrée manque avant"
    ) in found.stdout


async def test_a_payment_that_is_not_reported_is_in_no_part_of_the_suppliers_export(
    world: World, tmp_path: Path
) -> None:
    marche = await world.declare_silent_marche()
    opener = await world.scene.open("A4", marche, write_ubl)
    await world.scene.carry_to_payment(opener, marche)
    dossier = opener["dossier_id"]

    theirs = await world.unpacked(dossier, tmp_path / "t", TITULAIRE, Role.TITULAIRE)
    ours = await world.unpacked(
        dossier, tmp_path / "s", marche.service_financier, Role.SERVICE_FINANCIER
    )

    assert verify(ours).returncode == 0
    assert "MISE_EN_PAIEMENT" in (ours / "statuts.csv").read_text(encoding="utf-8-sig")
    found = verify(theirs)
    assert found.returncode == 0, found.stdout
    head = (await world.told(dossier))["trail"].encode()
    # The rules of the circuit name every status, and are the same in every export.
    rules = theirs / verifier.CIRCUIT
    assert rules.read_bytes() == (ours / verifier.CIRCUIT).read_bytes()
    for path in theirs.rglob("*"):
        if path.is_file() and path != rules:
            content = path.read_bytes()
            assert b"MISE_EN_PAIEMENT" not in content, path
            assert head not in content, path


async def test_a_stranger_learns_nothing_of_a_dossier(world: World) -> None:
    dossier = (await world.scene.open("A4", ONE_SIRET, write_ubl))["dossier_id"]
    await world.known(dossier)

    foreign = await world.export(dossier, AMENAGEUR, Role.MOA)
    other_role = await world.export(dossier, MAIRIE, Role.MOE)
    unknown = await world.export("01a21105-e653-76bb-99d7-eeaa779ed7ef")
    odd = await world.export("..%2Fmetrics")
    nobody = await world.portal.get(f"/dossiers/{dossier}/export")

    for answer in (foreign, other_role, unknown, odd):
        assert answer.status_code == 404
        assert answer.headers["content-type"] == "application/problem+json"
    assert foreign.json()["code"] == unknown.json()["code"] == "HTTP-404"
    assert nobody.status_code == 401


async def test_large_files_pass_through_a_portal_that_stays_small(
    world: World, tmp_path: Path
) -> None:
    opener = await world.scene.open("A4", ONE_SIRET, write_ubl)
    moe, titulaire = (
        world.scene.build_actor(role, ONE_SIRET) for role in (Role.MOE, Role.TITULAIRE)
    )
    for _ in range(3):
        await moe.treat(opener["piece_id"], Act.SUSPENDRE, comment="Il en manque.")
        plan = File("plan.pdf", "application/pdf", b"%PDF-1.4" + os.urandom(9_000_000))
        await titulaire.complete(opener["piece_id"], "Plan joint.", plan)
    await world.known(opener["dossier_id"], 3)
    before = measure_peak_mb(world.platform.get_pid("portal"))

    folder = await world.unpacked(opener["dossier_id"], tmp_path)

    grown = measure_peak_mb(world.platform.get_pid("portal")) - before
    print(f"27 MB exported, the portal's peak grew by {grown:.0f} MB")
    assert verify(folder).returncode == 0
    assert grown < 15


async def test_a_peer_that_is_down_is_asked_for_later(world: World) -> None:
    dossier = (await world.scene.open("A4", ONE_SIRET, write_ubl))["dossier_id"]
    await world.known(dossier)

    for peer in ("deposit_url", "routing_url"):
        async with a_portal(world, **{peer: f"http://127.0.0.1:{find_free_port()}"}) as portal:
            answer = await portal.get(f"/dossiers/{dossier}/export", headers=world.headers())

        assert answer.status_code == 503, peer
        assert answer.headers["retry-after"]
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["code"] == "POR-EXPORT-01"


async def test_what_is_too_large_or_asked_by_too_many_is_refused(world: World) -> None:
    opener = await world.scene.open("A4", ONE_SIRET, write_ubl)
    moe, titulaire = (
        world.scene.build_actor(role, ONE_SIRET) for role in (Role.MOE, Role.TITULAIRE)
    )
    await moe.treat(opener["piece_id"], Act.SUSPENDRE, comment="Il manque un plan.")
    plan = File("plan.pdf", "application/pdf", b"%PDF-1.4" + os.urandom(1_100_000))
    await titulaire.complete(opener["piece_id"], "Plan joint.", plan)
    await world.known(opener["dossier_id"], 1)
    path = f"/dossiers/{opener['dossier_id']}/export"

    for limit in ("export_file_mb", "export_max_mb"):
        async with a_portal(world, **{limit: 1}) as portal:
            answer = await portal.get(path, headers=world.headers())
            assert (answer.status_code, answer.json()["code"]) == (413, "POR-EXPORT-02"), limit
    async with a_portal(world, export_at_once=1, export_waiting=2) as portal:
        headers = world.headers()
        answers = await asyncio.gather(*(portal.get(path, headers=headers) for _ in range(6)))
        assert sorted(answer.status_code for answer in answers) == [200, 200, 503, 503, 503, 503]
        assert (await portal.get(path, headers=world.headers())).status_code == 200


class _SignedIn:
    """Puts a caller in the scope of each request, as access control does."""

    def __init__(self, app: ASGIApp, by: Requester) -> None:
        self._app = app
        self._by = by

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._app({**scope, REQUESTER: self._by}, receive, send)


@asynccontextmanager
async def a_portal(world: World, **changes: object) -> AsyncIterator[httpx.AsyncClient]:
    """Give the export with other settings, over the peers that run."""
    addresses = world.platform.addresses
    known = {f"{name}_url": addresses.roots[name] for name in ("deposit", "routing")}
    settings = Settings.model_validate(
        {"kafka": addresses.kafka, "mongo": addresses.mongo, **known, **changes}
    )
    desk = ExportQueue(Exports(read_assets(LEVEL), build_clock()), settings)
    app = FastAPI()
    token = world.scene.sign_in.get_token(MAIRIE.user)
    app.add_middleware(_SignedIn, by=replace(build_requester(MAIRIE.siret, Role.MOA), token=token))
    install_handlers(app)
    app.include_router(create_export_router(desk.export))
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app), base_url="http://portal"
    ) as client:
        yield client
