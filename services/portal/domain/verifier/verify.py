#!/usr/bin/env python3
"""Vérifie un dossier exporté d'Aiguillage : conteneur, fichiers, piste d'audit, statuts.

    python3 verify.py [--tete EMPREINTE] [DOSSIER | EXPORT.zip]

Sans argument, vérifie le dossier où il se trouve. `--tete` compare la tête de la piste avec celle
obtenue ailleurs. Rend 0 si tout est conforme, 1 si quelque chose a changé, 2 si l'appel est faux.
Python 3.8 ou plus récent suffit : seule sa bibliothèque standard sert.
"""

from __future__ import annotations

import csv
import io
import json
import struct
import sys
import zlib
from decimal import Decimal
from hashlib import sha256
from pathlib import Path
from typing import Any, Iterator, NamedTuple

USAGE = "appel : python3 verify.py [--tete EMPREINTE] [DOSSIER | EXPORT.zip]"
MANIFEST, TRAIL = "MANIFESTE.json", "piste-audit.jsonl"
DOSSIER, STATUSES = "dossier.json", "statuts.csv"
HEADER = 30  # octets d'un en-tête de zip, avant le nom
LABEL = 7  # la colonne de statuts.csv qui traduit un code : la piste n'a que les codes
UNREADABLE = (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError)


class Member(NamedTuple):
    """Un membre de l'export ; le contenu n'est gardé que de ceux de la racine."""

    sha256: str
    size: int
    text: bytes


def canonical(value: Any, indent: int | None = None) -> bytes:
    """Écrit une valeur sous sa seule forme admise : clés triées, UTF-8."""
    marks = (",", ": " if indent else ":")
    text = json.dumps(value, sort_keys=True, separators=marks, indent=indent, ensure_ascii=False)
    return text.encode()


def cell(value: Any) -> str:
    """Écrit une valeur comme dans statuts.csv, où un tableur ne doit voir aucune formule."""
    text = str("" if value is None else value).replace("\0", "")
    return "'" + text if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text


def difference(one: bytes, other: bytes) -> int:
    """Trouve le premier octet qui diffère."""
    pairs = enumerate(zip(one, other))
    return next((at for at, (a, b) in pairs if a != b), min(len(one), len(other)))


class Export:
    """Un export : ses membres, et ce que sa piste raconte."""

    def __init__(self) -> None:
        self.members: dict[str, Member] = {}
        self.entries: list[Any] = []
        self.pieces: dict[str, dict[str, Any]] = {}
        self.rows: list[list[str]] = []

    def verify(self, path: Path, head: str) -> list[str]:
        """Donne toutes les fautes."""
        faults = list(self.read_folder(path) if path.is_dir() else self.read_zip(path))
        if MANIFEST not in self.members:
            return [*faults, f"{MANIFEST!r} : manque, le reste n'est donc pas vérifié"]
        for name, check in (
            (MANIFEST, self.check_manifest),
            (TRAIL, self.check_trail),
            (TRAIL, self.replay),
            ("pieces/", self.check_files),
            (STATUSES, self.check_statuses),
            (DOSSIER, self.check_dossier),
            (MANIFEST, self.check_head),
        ):
            try:
                faults += check()
            except (*UNREADABLE, csv.Error) as error:
                faults.append(f"{name} : manque, ou n'a plus la forme attendue ({error!r:.80})")
        if head and (not self.entries or self.entries[-1]["hash"] != head.lower()):
            faults.append(f"la tête de la piste n'est pas {head}")
        return faults

    def add(self, path: str, content: bytes) -> None:
        text = b"" if "/" in path else content
        self.members[path] = Member(sha256(content).hexdigest(), len(content), text)

    def read_folder(self, root: Path) -> Iterator[str]:
        for path in sorted(root.rglob("*")):
            name = path.relative_to(root).as_posix()
            if path.is_symlink() or not (path.is_file() or path.is_dir()):
                yield f"{name!r} : n'est pas un fichier ordinaire"
            elif path.is_file():
                self.add(name, path.read_bytes())

    def read_zip(self, path: Path) -> Iterator[str]:
        """Relit chaque octet : les en-têtes n'ont qu'une forme possible, ici recalculée."""
        directory, count, room = b"", 0, path.stat().st_size
        with path.open("rb") as file:
            offset, head = 0, file.read(HEADER)
            while len(head) == HEADER and head[:4] == b"PK\3\4":
                size, unpacked, length = struct.unpack("<2LH", head[18:28])
                name = file.read(length)
                content = file.read(size if size == unpacked <= room else 0)
                facts = (33, zlib.crc32(content), size, size, len(name))
                expected = struct.pack("<4s5H3L2H", b"PK\3\4", 20, 0, 0, 0, *facts, 0) + name
                text = name.decode("latin-1")
                if head + name != expected:
                    at = offset + difference(head + name, expected)
                    yield f"zip, octet {at} : l'en-tête ou le contenu de {text!r} a changé"
                if len(content) < max(size, unpacked) or text in self.members:
                    yield f"zip, octet {offset} : {text!r} ne peut pas être lu, ni ce qui suit"
                    return
                self.add(text, content)
                entry = (b"PK\1\2", 0x0314, 20, 0, 0, 0, *facts, 0, 0, 0, 0, 0o100644 << 16, offset)
                directory += struct.pack("<4s6H3L5H2L", *entry) + name
                count, offset, head = count + 1, file.tell(), file.read(HEADER)
            rest = head + file.read()
        end = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, count, count, len(directory), offset, 0)
        if rest != directory + end:
            at = offset + difference(rest, directory + end)
            yield f"zip, octet {at} : le répertoire final a changé, ou la fin de ce qui le précède"

    def check_manifest(self) -> Iterator[str]:
        raw = self.members[MANIFEST].text
        manifest = json.loads(raw)
        again = canonical(manifest, 1) + b"\n"
        if raw != again:
            line = raw.count(b"\n", 0, difference(raw, again)) + 1
            yield f"{MANIFEST}, ligne {line} : n'est plus sous sa forme canonique"
        if manifest.pop("sceau") != sha256(canonical(manifest)).hexdigest():
            yield f"{MANIFEST} : son contenu n'est plus celui que dit son sceau"
        listed = {each["chemin"]: (each["sha256"], each["taille"]) for each in manifest["fichiers"]}
        for path in sorted({*listed, *self.members} - {MANIFEST}):
            if path not in self.members:
                yield f"{path!r} : manque"
            elif path not in listed:
                yield f"{path!r} : en trop, le manifeste ne le nomme pas"
            elif listed[path] != self.members[path][:2]:
                yield f"{path!r} : son contenu n'est plus celui que dit le manifeste"

    def check_trail(self) -> Iterator[str]:
        previous, version = "", 0
        *lines, rest = self.members[TRAIL].text.split(b"\n")
        if rest or not lines:
            yield f"{TRAIL}, ligne {len(lines) + 1} : la piste est vide, ou coupée"
        for number, line in enumerate(lines, 1):
            where = f"{TRAIL}, ligne {number}"
            try:
                entry = json.loads(line)
                where += f" (entrée de version {entry['version']})"
                hashed = sha256(canonical({key: entry[key] for key in entry if key != "hash"}))
                for is_wrong, fault in (
                    (line != canonical(entry), "n'est plus sous sa forme canonique"),
                    (entry["hash"] != hashed.hexdigest(), "a changé depuis qu'elle a été écrite"),
                    (entry["previous"] != previous, "ne suit pas l'entrée qui la précède"),
                    (entry["version"] != version + len(entry["events"]), "une entrée manque avant"),
                ):
                    if is_wrong:
                        yield f"{where} : {fault}"
                previous, version = entry["hash"], entry["version"]
                self.entries.append(entry)
            except UNREADABLE:
                yield f"{where} : n'a plus la forme d'une entrée"

    def replay(self) -> Iterator[str]:
        """Rejoue la piste : ce qu'elle dit de chaque pièce, et les lignes de statuts.csv."""
        for entry in self.entries:
            named: list[str] = []
            for event in entry["events"]:
                if event["type"] == "PieceReceived":
                    piece = {**event["deposit"], "status": "DEPOSEE", "completions": 0}
                    self.pieces[piece["piece_id"]] = piece
                    named += [piece["file_sha256"], *piece["attachments"]]
                    piece["files"] = [piece["certificate_sha256"], *named]
                elif event["type"] in ("PieceCompleted", "AdditionRefused"):
                    piece = self.pieces[event["completion"]["piece_id"]]
                    added = event["completion"]["attachments"]
                    piece["completions"] += 1
                    if event["type"] == "PieceCompleted":
                        piece["attachments"] = [*piece["attachments"], *added]
                    certificate = f"complement-{piece['completions']:02d}-certificat.pdf"
                    piece["files"] = [*piece["files"], *added, certificate]
                    named += added
                elif event["type"] == "StatusSet":
                    piece, by = self.pieces[event["piece_id"]], event.get("by") or {}
                    piece["status"] = event["status"]
                    row = [entry["version"], piece["cadre"], piece["number"], piece["piece_id"]]
                    row += [event.get(key) for key in ("at", "previous", "status")]
                    row += [by.get("role"), by.get("structure")]
                    row += [event.get(key) for key in ("act", "motive", "comment")]
                    self.rows.append([cell(each) for each in row])
            if entry["files"] != named:
                yield f"{TRAIL}, entrée de version {entry['version']} : ses fichiers sont autres"

    def check_files(self) -> Iterator[str]:
        paths = [path for path in self.members if "/" in path]
        for rank, piece in enumerate(self.pieces.values(), 1):
            folder = f"pieces/{rank:02d}-"
            there = [path for path in paths if path.startswith(folder)]
            names = {path: {path.rpartition("/")[2], self.members[path].sha256} for path in there}
            for file in piece["files"]:
                if not any(file in each for each in names.values()):
                    yield f"{folder}… : manque {file}, que la piste nomme"
            for path, each in names.items():
                paths.remove(path)
                if not each & set(piece["files"]):
                    yield f"{path!r} : la piste ne nomme pas ce contenu"
        yield from (f"{path!r} : la piste ne nomme pas cette pièce" for path in paths)

    def check_statuses(self) -> Iterator[str]:
        text = self.members[STATUSES].text.decode("utf-8-sig")
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=";")
        rows, line = [], 1
        for row in reader:
            rows.append((line, row[:LABEL] + row[LABEL + 1 :]))
            line = reader.line_num + 1
        rows = rows[1:]
        for rank in range(max(len(rows), len(self.rows))):
            at, its = rows[rank] if rank < len(rows) else (line, None)
            if [its] != self.rows[rank : rank + 1]:
                yield f"{STATUSES}, ligne {at} : ce n'est pas ce que dit la piste"

    def check_dossier(self) -> Iterator[str]:
        dossier, last = json.loads(self.members[DOSSIER].text), self.entries[-1]
        shown = {each["piece_id"]: each for each in dossier["pieces"]}
        here, told = (dossier["dossier_id"], dossier["version"]), (last["dossier"], last["version"])
        if here != told:
            yield f"{DOSSIER} : {here[0]} en version {here[1]}, la piste finit en version {told[1]}"
        if list(shown) != list(self.pieces):
            yield f"{DOSSIER} : ses pièces ne sont pas celles de la piste"
        for piece in (piece for name, piece in self.pieces.items() if name in shown):
            its = shown[piece["piece_id"]]
            keys = ("number", "status", "file_sha256", "attachments")
            same = {key: its[key] == piece[key] for key in keys}
            same["cadre"] = its["cadre"]["code"] == piece["cadre"]
            for key, amount in piece["amounts"].items():
                same[key] = Decimal(its["amounts"][key]) == Decimal(amount)
            for key in (key for key in same if not same[key]):
                yield f"{DOSSIER}, pièce {piece['number']!r} : {key!r} n'est pas celui de la piste"

    def check_head(self) -> Iterator[str]:
        last, manifest = self.entries[-1], json.loads(self.members[MANIFEST].text)
        told = {"entrees": len(self.entries), "version": last["version"], "tete": last["hash"]}
        if (manifest["dossier"], manifest["piste"]) != (last["dossier"], told):
            yield f"{MANIFEST} : la tête qu'il donne n'est pas celle de la piste"


def say(text: str) -> None:
    """Écrit, même là où l'écran n'a pas toutes les lettres."""
    code = sys.stdout.encoding or "ascii"
    sys.stdout.write(text.encode(code, "backslashreplace").decode(code) + "\n")


def main(words: list[str]) -> int:
    """Lit l'appel, vérifie, dit ce qui est trouvé."""
    head = ""
    if words[:1] == ["--tete"] and len(words) > 1:
        head, words = words[1], words[2:]
    path = Path(words[0]) if words else Path(__file__).resolve().parent
    if len(words) > 1 or words[:1] == ["--tete"] or not path.exists():
        say(USAGE)
        return 2
    export = Export()
    faults = export.verify(path, head)
    if faults:
        say("\n".join([*faults, f"NON CONFORME : {len(faults)} faute(s)"]))
        return 1
    last = export.entries[-1]
    say(
        f"conforme : dossier {last['dossier']}, {len(export.members)} fichiers, "
        f"{len(export.pieces)} pièces, {len(export.rows)} statuts, {len(export.entries)} entrées\n"
        f"tête de la piste : {last['hash']} (version {last['version']})"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
