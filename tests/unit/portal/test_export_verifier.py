"""The verifier holds an export against its audit trail, and says where they part."""

import ast
import io
import json
import sys
import zipfile
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from services.portal.adapters.export_zip import ZipArchive
from services.portal.domain.verifier import verify
from services.portal.domain.verifier.verify import write_canonical
from tests.unit.portal.export_builders import (
    AMOUNTS,
    DOSSIER,
    SOURCE,
    World,
    chained,
    export,
    faults,
    run,
    unpacked,
)
from tests.unit.portal.forgeries import (
    FILE_FORGERIES,
    FIRST,
    FORGERIES,
    NOTHING,
    reseal,
    rewritten,
    set_at,
)

GENUINE = SOURCE.read_bytes()
HEAD = World().trail_now[-1]["hash"]


@pytest.fixture
async def folder(tmp_path: Path) -> Path:
    return unpacked(await export(World()), tmp_path / "dossier")


@pytest.mark.parametrize("case", FORGERIES)
def test_a_forgery_under_a_right_seal_is_found_by_the_trail(folder: Path, case: str) -> None:
    name, change, fault = FORGERIES[case]

    rewritten(folder, name, change)

    found = faults(folder, HEAD if name != verify.TRAIL else "")
    assert [each for each in found if each.startswith(fault)], found
    assert not [each for each in found if "tête" in each]


@pytest.mark.parametrize("case", FILE_FORGERIES)
def test_a_file_forged_under_a_right_seal_is_found_by_the_trail(folder: Path, case: str) -> None:
    change, fault = FILE_FORGERIES[case]
    before = {path.name for path in folder.rglob("*")}

    change(folder)
    reseal(folder)

    new = sorted({path.name for path in folder.rglob("*")} - before)
    found = faults(folder, HEAD)
    assert [each for each in found if each.startswith(fault.format(*new))], found


def shape_as_format_3(dossier: dict[str, Any]) -> None:
    for piece in dossier["pieces"]:
        for stamp in piece["stamps"]:
            del stamp["rank"]


def shape_as_format_2(dossier: dict[str, Any]) -> None:
    shape_as_format_3(dossier)
    cadres = [*dossier["pieces"]]
    for turn in (dossier["awaited"], *dossier["awaited"]["others"]):
        cadres += turn["cadres"]
    for each in cadres:
        cadre = {"code": each.pop("cadre"), "label": each.pop("cadre_label")}
        each.pop("dossier_id", None)
        each.update({"cadre": cadre} if each else cadre)
    for piece in dossier["pieces"]:
        for stamp in piece["stamps"]:
            stamp["label"] = stamp.pop("status_label")


def test_an_export_of_format_3_is_verified_as_well(folder: Path) -> None:
    rewritten(folder, verify.DOSSIER, shape_as_format_3)
    rewritten(folder, verify.MANIFEST, set_at("format", to="aiguillage-export-3"))

    assert faults(folder, HEAD) == []

    rewritten(folder, verify.DOSSIER, set_at("pieces", 0, "cadre", to="A7"))

    assert any("pieces[0].cadre :" in each for each in faults(folder, HEAD))


def test_an_export_of_format_2_is_verified_as_well(folder: Path) -> None:
    rewritten(folder, verify.DOSSIER, shape_as_format_2)
    rewritten(folder, verify.MANIFEST, set_at("format", to="aiguillage-export-2"))

    assert faults(folder, HEAD) == []

    rewritten(folder, verify.DOSSIER, set_at("pieces", 0, "cadre", "code", to="A7"))

    assert any("pieces[0].cadre.code" in each for each in faults(folder, HEAD))


async def test_a_zip_whose_member_would_leave_its_folder_does_not_conform(tmp_path: Path) -> None:
    with zipfile.ZipFile(io.BytesIO(await export(World()))) as archive:
        contents = {info.filename: archive.read(info) for info in archive.infolist()}
    manifest = json.loads(contents.pop(verify.MANIFEST))
    out = "pieces/01-../../../../etc/evil.pdf"
    contents[out] = contents.pop(f"{FIRST}/certificat.pdf")
    (listed,) = (
        each
        for each in manifest["fichiers"]
        if "01-" in each["chemin"] and each["chemin"].rpartition("/")[2] == "certificat.pdf"
    )
    listed["chemin"] = out
    del manifest["sceau"]
    manifest["sceau"] = sha256(write_canonical(manifest)).hexdigest()
    contents[verify.MANIFEST] = write_canonical(manifest, 1) + b"\n"
    archive_path = tmp_path / "export.zip"
    archive_path.write_bytes(await zipped(contents))

    assert faults(archive_path) == [
        f"{out!r} : {NOTHING}",
        f"'{FIRST}/certificat.pdf'… : manque, la piste le nomme",
    ]


async def zipped(contents: Mapping[str, bytes]) -> bytes:
    archive = ZipArchive(max_mb=1)
    for path, content in contents.items():
        await archive.put(path, content)
    with archive.finish() as file:
        return file.read()


def test_what_is_missing_or_too_much_is_named(folder: Path) -> None:
    (folder / "LISEZMOI.txt").unlink()
    (folder / "pieces" / "note.txt").write_text("x", encoding="utf-8")
    (folder / "lien").symlink_to("/etc/hostname")

    assert faults(folder) == [
        "'lien' : n'est pas un fichier ordinaire",
        "'LISEZMOI.txt' : manque",
        "'pieces/note.txt' : en trop, le manifeste ne le nomme pas",
    ]


def test_an_export_without_manifest_is_no_export(folder: Path) -> None:
    (folder / verify.MANIFEST).unlink()

    assert faults(folder) == ["'MANIFESTE.json' : manque, le reste n'est donc pas vérifié"]


def test_white_space_that_means_nothing_is_a_change_too(folder: Path) -> None:
    manifest, trail = folder / verify.MANIFEST, folder / verify.TRAIL
    trail.write_bytes(trail.read_bytes().replace(b'"cause":', b'"cause": '))
    reseal(folder)
    manifest.write_bytes(manifest.read_bytes().replace(b'\n "format"', b'\n  "format"'))

    line = manifest.read_bytes().split(b'"format"')[0].count(b"\n") + 1
    assert faults(folder) == [
        f"MANIFESTE.json, ligne {line} : n'est pas sous sa forme canonique",
        *(
            f"piste-audit.jsonl, ligne {number} (entrée de version {version}) : "
            "n'est plus sous sa forme canonique"
            for number, version in enumerate((2, 3, 5, 9), 1)
        ),
    ]


def test_a_trail_cut_within_a_line_is_told_from_one_that_ends(folder: Path) -> None:
    trail = folder / verify.TRAIL
    trail.write_bytes(trail.read_bytes()[:-1])
    reseal(folder)

    assert "piste-audit.jsonl, ligne 4 : la piste est vide, ou coupée" in faults(folder)


@pytest.mark.parametrize("line", [b"[]", b"{}", b"\xff", b'{"version": 3, "events": 1}'])
def test_a_line_that_is_no_entry_is_named(folder: Path, line: bytes) -> None:
    trail = folder / verify.TRAIL
    lines = trail.read_bytes().split(b"\n")
    trail.write_bytes(b"\n".join([lines[0], line, *lines[2:]]))
    reseal(folder)

    named = [fault for fault in faults(folder) if fault.startswith("piste-audit.jsonl, ligne 2")]
    assert len(named) == 1
    assert named[0].endswith(" : n'a plus la forme d'une entrée")


async def test_only_the_head_gives_away_a_trail_that_was_made_anew(tmp_path: Path) -> None:
    forged = World(comment="Rien ne manque.")
    folder = unpacked(await export(forged), tmp_path)

    assert faults(folder) == []
    assert faults(folder, HEAD) == [f"la tête de la piste n'est pas {HEAD}"]


@pytest.mark.parametrize(
    ("name", "instead"),
    [
        (verify.MANIFEST, b"[]"),
        (verify.MANIFEST, b"\xff\xfe"),
        (verify.MANIFEST, b'{"fichiers": 1, "sceau": 2}'),
        (verify.TRAIL, b""),
        (verify.TRAIL, b"[]\n"),
        (verify.TRAIL, b'{"version": [], "events": 7, "hash": 1, "previous": ""}\n'),
        (verify.TRAIL, b"[" * 100_000 + b"\n"),
        (verify.STATUSES, b"\xff"),
        (verify.STATUSES, b'"' + b"x" * 200_000),
        (verify.DOSSIER, b"{}"),
        (verify.DOSSIER, b'{"pieces": {"a": []}}'),
    ],
)
def test_what_has_lost_its_shape_is_a_fault_and_no_crash(
    folder: Path, name: str, instead: bytes
) -> None:
    (folder / name).write_bytes(instead)

    assert any(name in fault for fault in faults(folder))


async def test_it_runs_where_python_is_alone(tmp_path: Path) -> None:
    content = await export(World(), verifier=GENUINE)
    folder = unpacked(content, tmp_path / "dossier")
    archive = tmp_path / "export.zip"
    archive.write_bytes(content)
    head = World().trail_now[-1]["hash"]

    alone = run(folder / "verify.py")

    assert alone.returncode == 0, alone.stdout + alone.stderr
    assert alone.stdout.splitlines() == [
        f"conforme : dossier {DOSSIER}, 15 fichiers, 2 pièces, 5 statuts, 4 entrées",
        f"tête de la piste : {head} (version 9)",
        "non prouvé par la piste :",
        "  - MANIFESTE.json, exporte_le : quand l'export a été fait",
        "  - MANIFESTE.json, exporte_par.role : laquelle des parties l'a fait",
        "  - MANIFESTE.json, fichiers.nom : le nom des fichiers quand ils ont été déposés",
        "  - piste-audit.jsonl : la piste, tant que `--tete` ne compare pas sa tête",
    ]
    assert run(folder / "verify.py", archive).stdout == alone.stdout
    assert run(SOURCE, "--tete", head.upper(), folder).returncode == 0
    assert run(folder / "verify.py", "--tete", "0" * 64).returncode == 1


def test_what_a_forger_wrote_cannot_pass_for_what_the_verifier_says(folder: Path) -> None:
    rewritten(folder, verify.DOSSIER, set_at("a\nconforme : dossier\x1b[8m", to="b"))

    found = run(SOURCE, folder)

    assert found.returncode == 1
    assert found.stdout.splitlines() == [
        "dossier.json, a conforme : dossier\ufffd[8m : 'b', et non rien que dit la piste",
        "NON CONFORME : 1 faute",
    ]


async def test_a_copy_of_ones_own_tells_a_verifier_that_is_another(tmp_path: Path) -> None:
    other = unpacked(await export(World()), tmp_path / "other")
    same = unpacked(await export(World(), verifier=GENUINE), tmp_path / "same")

    found = run(SOURCE, other)

    assert found.returncode == 0
    assert found.stdout.splitlines()[7:] == [
        "attention : le verify.py de l'export n'est pas celui qui vient de le vérifier"
    ]
    assert "attention" not in run(SOURCE, same).stdout


@pytest.mark.parametrize("amount", ["1E+999999999", "NaN", "１", 1])
async def test_an_amount_that_no_deposit_states_is_a_fault_and_takes_no_time(
    amount: object, tmp_path: Path
) -> None:
    world = World()
    groups = [entry["events"] for entry in world.trail_now]
    groups[0][0]["deposit"]["amounts"] = {**AMOUNTS, "ttc": amount}
    world.trail_now = chained(groups)

    found = faults(unpacked(await export(world), tmp_path))

    assert any("piste-audit.jsonl : manque, ou n'a plus la forme" in fault for fault in found)


@pytest.mark.parametrize(
    "words",
    [
        ["--tete"],
        ["--tete", ""],
        ["--tete", "", "."],
        ["--aide"],
        ["rien"],
        [".", "."],
        ["--tete", "x", "rien"],
    ],
)
def test_a_wrong_call_is_told_apart(words: list[str]) -> None:
    found = run(SOURCE, *words)

    assert found.returncode == 2
    assert found.stdout.startswith("appel : python3 verify.py")


def test_it_needs_python_3_8_and_its_standard_library_alone() -> None:
    tree = ast.parse(SOURCE.read_bytes(), feature_version=(3, 8))
    imports = {
        name.partition(".")[0]
        for node in ast.walk(tree)
        for name in (
            [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else [node.module or ""]
            if isinstance(node, ast.ImportFrom)
            else []
        )
    }

    assert imports
    assert imports <= sys.stdlib_module_names
