"""What the export of a dossier holds, under which names, in which bytes."""

import csv
import io
import json
import re
import zipfile
from collections.abc import AsyncGenerator
from datetime import timedelta
from pathlib import Path

import pytest

from services.portal.adapters.export_zip import ZipArchive
from services.portal.application.exports import Exports, TooLargeError, UnavailableError
from services.portal.domain.export import Json
from services.portal.domain.verifier.verify import make_safe_name, write_canonical
from tests.unit.portal.export_builders import (
    DOSSIER,
    EXPORTER,
    KIT,
    NOW,
    World,
    export,
    faults,
    unpacked,
)

HOSTILE = [
    "../../../etc/passwd",
    "..\\..\\windows\\system32\\x.dll",
    "/etc/passwd",
    "C:\\autoexec.bat",
    "a/b\x00c.pdf",
    ".bashrc",
    "..",
    "",
    "   ",
    "é" * 300 + ".pdf",
    "x" * 300 + "." + "y" * 300,
    "facture.pdf ",
    "\u202efdp.exe",
    "ﬁle:stream.xml",
    "nom\r\nSet-Cookie: x.pdf",
    "$(rm -rf ~).pdf",
    "数.pdf",
]


@pytest.mark.parametrize("name", HOSTILE)
def test_a_name_that_nobody_vouches_for_becomes_one_safe_component(name: str) -> None:
    safe = make_safe_name(name)

    assert re.fullmatch(r"[A-Za-z0-9_-]([A-Za-z0-9._-]*[A-Za-z0-9_-])?", safe)
    assert len(safe) <= 61
    assert ".." not in safe.split("/")


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("situation n° 11.xml", "situation_n_11.xml"),
        ("métrés.pdf", "metres.pdf"),
        ("a" * 100 + ".pdf", "a" * 56 + ".pdf"),
        ("..", "sans-nom"),
        ("archive.tar.gz", "archive.tar.gz"),
    ],
)
def test_a_name_stays_as_readable_as_it_can(name: str, safe: str) -> None:
    assert make_safe_name(name) == safe


@pytest.mark.parametrize("name", HOSTILE)
async def test_no_name_leaves_the_folder_or_takes_the_place_of_another(name: str) -> None:
    world = World(file_name=name, attachment_name=name)
    world.deposited["p1"]["number"] = name
    for piece in world.dossier_now["pieces"]:
        piece["number"] = name
        piece["cadre"] = name

    names = members(await export(world))

    assert len({each.casefold() for each in names}) == len(names) == 15
    for each in names:
        assert re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._/-]*", each)
        assert not {"..", ".", ""} & set(each.split("/"))


@pytest.mark.parametrize("name", HOSTILE)
async def test_a_name_that_nobody_vouches_for_does_not_break_the_proof(
    name: str, tmp_path: Path
) -> None:
    world = World(file_name=name, attachment_name=name)

    assert faults(unpacked(await export(world), tmp_path)) == []


async def test_the_members_come_in_one_order_under_readable_names() -> None:
    assert members(await export(World())) == [
        "LISEZMOI.txt",
        "dossier.json",
        "statuts.csv",
        "piste-audit.jsonl",
        "circuit.json",
        "verify.py",
        "pieces/01-A4-SIT-1/piece-situation.xml",
        "pieces/01-A4-SIT-1/certificat.pdf",
        "pieces/01-A4-SIT-1/jointe-01-metres.pdf",
        "pieces/01-A4-SIT-1/jointe-02-bon.pdf",
        "pieces/01-A4-SIT-1/complement-01-certificat.pdf",
        "pieces/02-A15-EA-1/piece-situation.xml",
        "pieces/02-A15-EA-1/certificat.pdf",
        "pieces/02-A15-EA-1/jointe-01-metres.pdf",
        "MANIFESTE.json",
    ]


async def test_an_addition_that_was_refused_leaves_with_the_dossier_all_the_same(
    tmp_path: Path,
) -> None:
    content = await export(World(is_late=True))

    assert [*contents(content)] == [*contents(await export(World()))]
    assert faults(unpacked(content, tmp_path)) == []


async def test_one_state_gives_the_same_bytes_and_a_later_export_another_manifest_alone() -> None:
    first, again = await export(World()), await export(World())
    later = await export(World(), at=NOW + timedelta(days=1))

    assert first == again
    assert first != later
    assert [
        name for name, content in contents(first).items() if contents(later)[name] != content
    ] == ["MANIFESTE.json"]


async def test_the_manifest_says_who_exported_what_and_when() -> None:
    world = World()

    manifest = json.loads(contents(await export(world))["MANIFESTE.json"])

    assert manifest["format"] == "aiguillage-export-4"
    assert manifest["dossier"] == DOSSIER
    assert manifest["table"] == "2026-2"
    assert manifest["exporte_par"] == {"structure": "90000000300013", "role": "moa"}
    assert manifest["exporte_le"] == "2026-11-25T04:45:00+00:00"
    assert manifest["piste"] == {
        "entrees": 4,
        "version": 9,
        "tete": world.trail_now[-1]["hash"],
    }
    assert [each["nom"] for each in manifest["fichiers"] if "nom" in each] == [
        "métrés.pdf",
        "bon.pdf",
        "situation.xml",
        "métrés.pdf",
        "situation.xml",
    ]


async def test_what_a_routing_of_the_version_before_answers_is_of_its_format(
    tmp_path: Path,
) -> None:
    world = World()
    for piece in world.dossier_now["pieces"]:
        for stamp in piece["stamps"]:
            del stamp["rank"]

    folder = unpacked(await export(world), tmp_path)

    assert json.loads((folder / "MANIFESTE.json").read_bytes())["format"] == "aiguillage-export-3"
    assert faults(folder) == []


async def test_what_the_verifier_does_not_compute_is_left_to_the_trail(tmp_path: Path) -> None:
    world = World()
    world.dossier_now |= {"mandant": "90000000300013", "delay_starts": {"notice": "", "starts": []}}

    folder = unpacked(await export(world), tmp_path)

    exported = json.loads((folder / "dossier.json").read_bytes())
    assert not {"mandant", "delay_starts"} & exported.keys()
    assert faults(folder) == []


async def test_the_trail_leaves_as_it_was_hashed() -> None:
    world = World()

    lines = contents(await export(world))["piste-audit.jsonl"].splitlines()

    assert lines == [write_canonical(entry) for entry in world.trail_now]


async def test_a_spreadsheet_reads_the_statuses_and_runs_none_of_them() -> None:
    world = World(comment='=HYPERLINK("http://x")')

    table = contents(await export(world))["statuts.csv"].decode("utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(table, newline=""), delimiter=";"))

    assert [(row["cadre"], row["statut"], row["libelle"]) for row in rows] == [
        ("A4", "DEPOSEE", "Déposée"),
        ("A4", "SUSPENDUE", "Suspendue"),
        ("A4", "COMPLETEE", "Complétée"),
        ("A4", "ASSOCIEE", "Associée à la pièce suivante"),
        ("A15", "A_ASSOCIER_MOA", "À associer par la maîtrise d'ouvrage"),
    ]
    assert rows[1]["commentaire"] == '\'=HYPERLINK("http://x")'
    assert rows[1]["role"] == "moe"


@pytest.mark.parametrize("text", ["＝1+1", "\n=1", "\t=1", "\r=1", "@A1", "-2+3"])
async def test_no_cell_of_the_statuses_begins_as_a_formula_does(text: str, tmp_path: Path) -> None:
    content = await export(World(comment=text))

    table = contents(content)["statuts.csv"].decode("utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(table, newline=""), delimiter=";"))
    assert rows[1]["commentaire"] == f"'{text}"
    assert faults(unpacked(content, tmp_path)) == []


async def test_what_cannot_be_seen_of_a_comment_is_shown_by_a_sign(tmp_path: Path) -> None:
    content = await export(World(comment="payé\u202e\0\ufffe"))

    assert "payé\ufffd\ufffd\ufffd" in contents(content)["statuts.csv"].decode()
    assert faults(unpacked(content, tmp_path)) == []


async def test_what_was_added_but_did_not_reach_the_dossier_is_not_exported(
    tmp_path: Path,
) -> None:
    world = World()
    told = world.deposited["p1"]["completions"][0]
    lost = {
        "completed_at": "2026-11-24T10:59:00Z",
        "attachments": [{"name": "perdu.pdf", "url": "/nowhere"}],
        "certificate": {"url": "/nowhere"},
    }
    world.deposited["p1"]["completions"] = [
        lost,
        told,
        {**lost, "completed_at": "2026-12-01T00:00:00Z"},
    ]

    folder = unpacked(await export(world), tmp_path)

    assert faults(folder) == []
    assert not list(folder.rglob("*perdu*"))


class Moving(World):
    """A dossier that moves on between the first two questions."""

    async def fetch_dossier(self, dossier_id: str) -> Json | None:
        found = await super().fetch_dossier(dossier_id)
        return {**found, "version": 5} if found and len(self.asked) == 1 else found


async def test_a_dossier_that_moves_on_meanwhile_is_asked_for_again(tmp_path: Path) -> None:
    world = Moving()

    folder = unpacked(await export(world), tmp_path)

    assert world.asked == ["dossier", "trail"] * 2
    assert faults(folder) == []


async def test_a_dossier_and_a_trail_that_never_agree_leave_for_the_verifier_to_say_so(
    tmp_path: Path,
) -> None:
    world = World()
    world.trail_now.pop()

    folder = unpacked(await export(world), tmp_path)

    assert world.asked == ["dossier", "trail"] * 3
    assert "dossier.json, version : 9, et non 5 que dit la piste" in faults(folder)


async def test_a_status_that_only_a_newer_version_knows_is_waited_for() -> None:
    world = World()
    world.trail_now[-1]["events"][-1] |= {"type": "StatusSet", "status": "PLUS_RECENT"}

    with pytest.raises(UnavailableError, match="PLUS_RECENT"):
        await export(world)


async def test_nobody_elses_dossier_is_exported() -> None:
    exporting = Exports(KIT, lambda: NOW)
    archive = ZipArchive(max_mb=1)

    assert not await exporting.export("another", EXPORTER, World(), archive)
    archive.discard()


async def test_an_archive_takes_no_more_than_it_has_room_for() -> None:
    async def endless() -> AsyncGenerator[bytes, None]:
        while True:
            yield bytes(256 * 1024)

    archive = ZipArchive(max_mb=1)

    with pytest.raises(TooLargeError):
        await archive.add("x", endless(), "x")
    archive.discard()


def members(content: bytes) -> list[str]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return archive.namelist()


def contents(content: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}
