"""Whatever is changed in an export under the true head, the verdict names: or says it proves not.

The list of what is not proven is written here by hand, and not read from the verifier.
"""

import io
import json
import zipfile
from collections import Counter
from hashlib import sha256
from pathlib import Path

import pytest

from services.portal.adapters.export_assets import read_assets
from services.portal.domain.verifier import verify
from shared.vocabulary.levels import LEVEL, WRITE_LEVEL
from tests.unit.portal.export_builders import World, chained, export
from tests.unit.portal.export_changes import Changed, Contents, every_change, resealed
from tests.unit.portal.forgeries import set_at

NOT_PROVEN = {
    "MANIFESTE.json, exporte_le",
    "MANIFESTE.json, exporte_par.role",
    "MANIFESTE.json, fichiers.nom",
}


async def contents_of(world: World) -> Contents:
    with zipfile.ZipFile(io.BytesIO(await export(world))) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def unnamed(contents: Contents, head: str) -> tuple[Counter[str], Counter[str]]:
    """Change everything; count what was tried, and what no fault names, by its place."""
    tried: Counter[str] = Counter()
    passed: Counter[str] = Counter()
    for change in every_change(contents):
        found, unproven = change.verdict(head)
        tried[change.where] += 1
        if not found:
            assert any(each.startswith(change.where) for each in unproven), (
                change.where,
                change.how,
            )
            passed[change.where] += 1
    return tried, passed


async def test_every_change_is_named_or_listed_as_not_proven() -> None:
    world = World()
    tried, passed = unnamed(await contents_of(world), world.trail_now[-1]["hash"])

    print(f"{tried.total()} changes of {len(tried)} fields; not proven: {dict(passed)}")
    assert tried.total() > 2_000
    assert {*passed} <= NOT_PROVEN


@pytest.mark.parametrize(
    ("path", "other"),
    [
        (("exporte_le",), "2030-01-01T00:00:00+00:00"),
        (("exporte_par", "role"), "service_financier"),
        (("fichiers", -1, "nom"), "MÉTRÉS?.pdf"),
    ],
    ids=str,
)
async def test_what_is_not_proven_may_be_changed_and_the_verdict_says_so(
    path: tuple[str | int, ...], other: str
) -> None:
    world = World()
    contents = await contents_of(world)
    manifest = json.loads(contents[verify.MANIFEST])
    if path[0] == "fichiers":
        named = next(each for each in manifest["fichiers"] if each.get("nom") == "métrés.pdf")
        named["nom"] = "metres.pdf"
    else:
        set_at(*path, to=other)(manifest)
    written = json.dumps(manifest).encode()

    change = Changed("", "", resealed(contents, verify.MANIFEST, written))
    faults, unproven = change.verdict(world.trail_now[-1]["hash"])

    assert faults == []
    assert {each.partition(" : ")[0] for each in unproven} == NOT_PROVEN


async def test_a_version_of_the_circuit_with_rows_switched_off_is_said_not_to_be_known() -> None:
    world = World()
    groups = [entry["events"] for entry in world.trail_now]
    for events in groups:
        for event in events:
            if event["type"] == "PieceReceived":
                event["deposit"]["table_version"] = "2026-2-A5"
    world.trail_now = chained(groups)
    world.dossier_now["table_version"] = "2026-2-A5"
    contents = await contents_of(world)

    faults, unproven = Changed("", "", contents).verdict(world.trail_now[-1]["hash"])

    assert faults == []
    assert {each.partition(" : ")[0] for each in unproven} == NOT_PROVEN | {
        "dossier.json, acts",
        "dossier.json, cadre_label",
        "dossier.json, prevailing",
    }


async def test_a_certificate_that_the_trail_does_not_name_is_said_not_to_be_proven() -> None:
    world = World()
    groups = [entry["events"] for entry in world.trail_now]
    del groups[2][0]["completion"]["certificate_sha256"]
    world.trail_now = chained(groups)

    faults, unproven = Changed("", "", await contents_of(world)).verdict("")

    assert faults == []
    assert any("complement-01-certificat.pdf" in each for each in unproven)


def test_the_verifier_knows_the_rules_and_the_text_that_exports_hold() -> None:
    offered = {sha256(read_assets(level).circuit).hexdigest() for level in (WRITE_LEVEL, LEVEL)}
    text = Path(verify.__file__).with_name(verify.README).read_bytes()

    assert offered <= {*verify.CIRCUITS}, (
        "circuit.json has changed: add its SHA-256 to CIRCUITS of verify.py, at the write level "
        "before the switch and after it, and take none away"
    )
    assert sha256(text).hexdigest() == verify.READMES[-1], (
        "LISEZMOI.txt has changed: add its SHA-256 to READMES of verify.py, and take none away"
    )
