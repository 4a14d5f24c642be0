"""The verifier holds an export against its audit trail, and says where they part."""

import ast
import csv
import io
import json
import sys
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from services.portal.domain.verifier import verify
from services.portal.domain.verifier.verify import canonical
from tests.unit.portal.exported import (
    DOSSIER,
    SOURCE,
    World,
    chained,
    export,
    faults,
    run,
    unpacked,
)

GENUINE = SOURCE.read_bytes()


@pytest.fixture
async def folder(tmp_path: Path) -> Path:
    return unpacked(await export(World()), tmp_path / "dossier")


def rewritten(folder: Path, name: str, change: Callable[[Any], object]) -> None:
    """Change a member as somebody would who then sets the manifest right."""
    path = folder / name
    if name == verify.TRAIL:
        entries = [json.loads(line) for line in path.read_bytes().splitlines()]
        change(entries)
        path.write_bytes(b"".join(canonical(entry) + b"\n" for entry in entries))
    elif name == verify.STATUSES:
        text = path.read_text(encoding="utf-8-sig")
        rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=";"))
        change(rows)
        written = io.StringIO(newline="")
        csv.writer(written, delimiter=";").writerows(rows)
        path.write_bytes(written.getvalue().encode("utf-8-sig"))
    else:
        value = json.loads(path.read_bytes())
        change(value)
        path.write_bytes(canonical(value, 1) + b"\n")
    reseal(folder)


def reseal(folder: Path) -> None:
    path = folder / verify.MANIFEST
    manifest = json.loads(path.read_bytes())
    names = sorted(
        each.relative_to(folder).as_posix()
        for each in folder.rglob("*")
        if each.is_file() and each != path
    )
    contents = {name: (folder / name).read_bytes() for name in names}
    manifest["fichiers"] = [
        {"chemin": name, "sha256": sha256(content).hexdigest(), "taille": len(content)}
        for name, content in contents.items()
    ]
    del manifest["sceau"]
    manifest["sceau"] = sha256(canonical(manifest)).hexdigest()
    path.write_bytes(canonical(manifest, 1) + b"\n")


def set_at(*path: str | int, to: object) -> Callable[[Any], None]:
    def change(value: Any) -> None:  # noqa: ANN401 - JSON
        for step in path[:-1]:
            value = value[step]
        value[path[-1]] = to

    return change


def drop_second(entries: list[Any]) -> None:
    del entries[1]


def rehash_second(entries: list[Any]) -> None:
    entries[1]["events"][0]["comment"] = "Rien ne manque."
    del entries[1]["hash"]
    entries[1]["hash"] = sha256(canonical(entries[1])).hexdigest()


def name_no_file(entries: list[Any]) -> None:
    entries[0]["files"] = []
    previous = ""
    for entry in entries:
        entry["previous"] = previous
        del entry["hash"]
        previous = entry["hash"] = sha256(canonical(entry)).hexdigest()


def drop_last(rows: list[Any]) -> None:
    del rows[-1]


FORGERIES = {
    "an entry says otherwise": (
        verify.TRAIL,
        set_at(1, "events", 0, "comment", to="Rien ne manque."),
        "piste-audit.jsonl, ligne 2 (entrée de version 3) : a changé depuis qu'elle a été écrite",
    ),
    "an entry says otherwise under a hash of its own": (
        verify.TRAIL,
        rehash_second,
        "piste-audit.jsonl, ligne 3 (entrée de version 5) : ne suit pas l'entrée qui la précède",
    ),
    "an entry is gone": (
        verify.TRAIL,
        drop_second,
        "piste-audit.jsonl, ligne 2 (entrée de version 5) : une entrée manque avant",
    ),
    "the end of the trail is gone": (
        verify.TRAIL,
        drop_last,
        f"dossier.json : {DOSSIER} en version 8, la piste finit en version 5",
    ),
    "a status of the table": (
        verify.STATUSES,
        set_at(2, 6, to="REJETEE"),
        "statuts.csv, ligne 3 : ce n'est pas ce que dit la piste",
    ),
    "a status is gone from the table": (
        verify.STATUSES,
        drop_last,
        "statuts.csv, ligne 7 : ce n'est pas ce que dit la piste",
    ),
    "a status of the dossier": (
        verify.DOSSIER,
        set_at("pieces", 0, "status", to="REJETEE"),
        "dossier.json, pièce 'SIT-1' : 'status' n'est pas celui de la piste",
    ),
    "the number of a piece": (
        verify.DOSSIER,
        set_at("pieces", 0, "number", to="SIT-2"),
        "dossier.json, pièce 'SIT-1' : 'number' n'est pas celui de la piste",
    ),
    "the cadre of a piece": (
        verify.DOSSIER,
        set_at("pieces", 0, "cadre", "code", to="A7"),
        "dossier.json, pièce 'SIT-1' : 'cadre' n'est pas celui de la piste",
    ),
    "the file of a piece": (
        verify.DOSSIER,
        set_at("pieces", 0, "file_sha256", to="0" * 64),
        "dossier.json, pièce 'SIT-1' : 'file_sha256' n'est pas celui de la piste",
    ),
    "the attachments of a piece": (
        verify.DOSSIER,
        set_at("pieces", 0, "attachments", to=[]),
        "dossier.json, pièce 'SIT-1' : 'attachments' n'est pas celui de la piste",
    ),
    "a piece is gone from the dossier": (
        verify.DOSSIER,
        set_at("pieces", to=[]),
        "dossier.json : ses pièces ne sont pas celles de la piste",
    ),
    "another dossier": (
        verify.DOSSIER,
        set_at("dossier_id", to="another"),
        "dossier.json : another en version 8, la piste finit en version 8",
    ),
    "an amount of the dossier": (
        verify.DOSSIER,
        set_at("pieces", 1, "amounts", "ttc", to="120.01"),
        "dossier.json, pièce 'EA-1' : 'ttc' n'est pas celui de la piste",
    ),
    "the files that an entry names beside its events": (
        verify.TRAIL,
        name_no_file,
        "piste-audit.jsonl, entrée de version 2 : ses fichiers sont autres",
    ),
    "the dossier in the manifest": (
        verify.MANIFEST,
        set_at("dossier", to="another"),
        "MANIFESTE.json : la tête qu'il donne n'est pas celle de la piste",
    ),
    "the head in the manifest": (
        verify.MANIFEST,
        set_at("piste", "tete", to="0" * 64),
        "MANIFESTE.json : la tête qu'il donne n'est pas celle de la piste",
    ),
}


@pytest.mark.parametrize("case", FORGERIES)
def test_a_forgery_under_a_right_seal_is_found_by_the_trail(folder: Path, case: str) -> None:
    name, change, fault = FORGERIES[case]

    rewritten(folder, name, change)

    assert fault in faults(folder)


@pytest.mark.parametrize("file", ["certificat.pdf", "piece-situation.xml", "jointe-01-metres.pdf"])
def test_a_file_replaced_under_a_right_seal_is_found_by_the_trail(folder: Path, file: str) -> None:
    (path,) = folder.glob(f"pieces/02-*/{file}")
    was = sha256(path.read_bytes()).hexdigest()
    path.write_bytes(b"%PDF another")
    reseal(folder)

    assert faults(folder) == [
        f"pieces/02-… : manque {was}, que la piste nomme",
        f"{path.relative_to(folder).as_posix()!r} : la piste ne nomme pas ce contenu",
    ]


def test_a_certificate_of_a_completion_cannot_be_taken_out(folder: Path) -> None:
    (path,) = folder.glob("pieces/*/complement-01-certificat.pdf")
    path.unlink()
    reseal(folder)

    assert faults(folder) == [
        "pieces/01-… : manque complement-01-certificat.pdf, que la piste nomme"
    ]


def test_what_is_missing_or_too_much_is_named(folder: Path) -> None:
    (folder / "LISEZMOI.txt").unlink()
    (folder / "pieces" / "note.txt").write_text("x", encoding="utf-8")
    (folder / "lien").symlink_to("/etc/hostname")

    assert faults(folder) == [
        "'lien' : n'est pas un fichier ordinaire",
        "'LISEZMOI.txt' : manque",
        "'pieces/note.txt' : en trop, le manifeste ne le nomme pas",
        "'pieces/note.txt' : la piste ne nomme pas cette pièce",
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
        f"MANIFESTE.json, ligne {line} : n'est plus sous sa forme canonique",
        *(
            f"piste-audit.jsonl, ligne {number} (entrée de version {version}) : "
            "n'est plus sous sa forme canonique"
            for number, version in enumerate((2, 3, 5, 8), 1)
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
    true, forged = World(), World()
    head = true.trail_now[-1]["hash"]
    groups = [entry["events"] for entry in true.trail_now]
    groups[1][0]["comment"] = "Rien ne manque."
    forged.trail_now = chained(groups)
    folder = unpacked(await export(forged), tmp_path)

    assert faults(folder) == []
    assert faults(folder, head) == [f"la tête de la piste n'est pas {head}"]


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
        f"conforme : dossier {DOSSIER}, 14 fichiers, 2 pièces, 5 statuts, 4 entrées",
        f"tête de la piste : {head} (version 8)",
    ]
    assert run(folder / "verify.py", archive).stdout == alone.stdout
    assert run(SOURCE, "--tete", head.upper(), folder).returncode == 0
    assert run(folder / "verify.py", "--tete", "0" * 64).returncode == 1


@pytest.mark.parametrize(
    "words", [["--tete"], ["--aide"], ["rien"], [".", "."], ["--tete", "x", "rien"]]
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
