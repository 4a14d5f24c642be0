#!/usr/bin/env python3
"""Vérifie un dossier exporté d'Aiguillage : conteneur, fichiers, piste d'audit, état, statuts.

    python3 verify.py [--tete EMPREINTE] [DOSSIER | EXPORT.zip]

Sans argument, vérifie le dossier où il se trouve. `--tete` compare la tête de la piste avec celle
obtenue ailleurs. Rend 0 si tout est conforme, 1 si quelque chose a changé, 2 si l'appel est faux.
Python 3.8 ou plus récent suffit : seule sa bibliothèque standard sert.
"""

from __future__ import annotations

import csv
import io
import json
import re
import struct
import sys
import zlib
from datetime import datetime
from decimal import Decimal
from hashlib import sha256
from pathlib import Path
from typing import Any, Iterable, Iterator, NamedTuple
from unicodedata import ucd_3_2_0  # la même table, quelle que soit la version de Python

USAGE = "appel : python3 verify.py [--tete EMPREINTE] [DOSSIER | EXPORT.zip]"
FORMAT = "aiguillage-export-4"
FORMAT_3 = "aiguillage-export-3"  # sans `rank`, montants tels que déposés
FORMAT_2 = "aiguillage-export-2"  # et `cadre`, `status_label` sous d'autres noms
OLDER = (FORMAT_2, FORMAT_3)
MANIFEST, TRAIL, README = "MANIFESTE.json", "piste-audit.jsonl", "LISEZMOI.txt"
DOSSIER, STATUSES, CIRCUIT = "dossier.json", "statuts.csv", "circuit.json"
ROOT = (README, DOSSIER, STATUSES, TRAIL, CIRCUIT, "verify.py")
# Empreintes de chaque circuit.json livré, et de chaque modèle livré de LISEZMOI.txt, avant d'y
# écrire les valeurs du dossier. Tout autre contenu est une faute.
CIRCUITS = (
    "9c7d39abc05259966240b5ff6a4f50aa9079d7c816fc51fe5c54371243e5a54e",
    "cb8efe89c182888e305fd162627770d064cb6da0d5293af118780d5b8e59b325",
)
READMES = ("a27fb6552e57fe425091d3abf0f4369eb5479dc23e3eb54298d32b9da5bcf600",)
COLUMNS = (
    *("version", "cadre", "numero", "piece", "date", "statut_precedent", "statut", "libelle"),
    *("role", "structure", "acte", "motif", "commentaire"),
)
NAME_LIMIT, EXTENSION_LIMIT = 60, 8
AMOUNTS = ("ht", "tva", "ttc", "due")
AMOUNT = re.compile(r"-?[0-9]{1,17}(\.[0-9]{1,2})?")  # sans exposant, qui n'aurait pas de borne
HEADER = 30  # octets d'un en-tête de zip, avant le nom
UNREADABLE = (
    *(ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError),
    csv.Error,
)
# Ce que la piste ne sait d'aucun export.
UNPROVEN = (
    f"{MANIFEST}, exporte_le : quand l'export a été fait",
    f"{MANIFEST}, exporte_par.role : laquelle des parties l'a fait",
    f"{MANIFEST}, fichiers.nom : le nom des fichiers quand ils ont été déposés",
)
FORMULA = re.compile(r"(?![+-]?[0-9]+([.,][0-9]+)?\Z)[=+\-@\t\r\n＝＋－＠]")  # CWE-1236, OWASP
HIDDEN = re.compile(
    "[\0-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f"
    "\ud800-\udfff\ufeff\ufff0-\ufffb\ufffe\uffff\U000e0000-\U000e0fff]"
)


class Member(NamedTuple):
    """Un membre de l'export ; le contenu n'est gardé que de ceux de la racine."""

    sha256: str
    size: int
    text: bytes


def write_canonical(value: Any, indent: int | None = None) -> bytes:
    """Écrit une valeur sous sa seule forme admise : clés triées, UTF-8."""
    marks = (",", ": " if indent else ":")
    text = json.dumps(value, sort_keys=True, separators=marks, indent=indent, ensure_ascii=False)
    return text.encode()


def show_hidden(text: str) -> str:
    """Remplace par un signe les caractères invisibles : commandes, sens d'écriture inversé."""
    return HIDDEN.sub("\ufffd", text)


def write_cell(value: Any) -> str:
    """Écrit la valeur d'une cellule : un tableur n'y doit voir aucune formule."""
    text = show_hidden(str("" if value is None else value))
    return "'" + text if FORMULA.match(text) else text


def write_table(rows: Iterable[Iterable[Any]]) -> bytes:
    """Écrit statuts.csv, avec ses titres."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=";")
    writer.writerow(COLUMNS)
    writer.writerows([write_cell(each) for each in row] for row in rows)
    return text.getvalue().encode("utf-8-sig")


def make_safe_name(name: str) -> str:
    """Fait d'un nom quelconque un nom de fichier sûr.

    Lettres ASCII, chiffres, `-`, `_` et points intérieurs : ni séparateur, ni lecteur, ni fichier
    caché, et les mêmes octets sur tous les systèmes.
    """
    plain = ucd_3_2_0.normalize("NFKD", name).encode("ascii", "ignore").decode()
    stem, dot, extension = re.sub(r"[^A-Za-z0-9._-]+", "_", plain).strip("._-").rpartition(".")
    if not dot or len(extension) > EXTENSION_LIMIT:
        stem, extension = f"{stem}{dot}{extension}", ""
    stem = stem[: NAME_LIMIT - len(extension) - 1].strip("._-")
    return ".".join(part for part in (stem, extension) if part) or "sans-nom"


def find_first_difference(one: bytes, other: bytes) -> int:
    """Trouve le rang du premier octet qui diffère."""
    pairs = enumerate(zip(one, other))
    return next((at for at, (a, b) in pairs if a != b), min(len(one), len(other)))


class Sign:
    """Valeur sentinelle, différente de toute valeur lue dans un JSON."""

    def __init__(self, text: str) -> None:
        self.text = text

    def __repr__(self) -> str:
        return self.text


MISSING, ANY = Sign("rien"), Sign("tout")  # ce qui n'est pas là, ce qui ne se recalcule pas


def find_differences(shown: Any, told: Any, where: str = "") -> Iterator[str]:
    """Donne chaque champ dont la valeur n'est pas celle que donne la piste."""
    if isinstance(shown, dict) and isinstance(told, dict):
        for key in sorted({*shown, *told}):
            yield from find_differences(
                shown.get(key, MISSING), told.get(key, MISSING), f"{where}.{key}"
            )
    elif isinstance(shown, list) and isinstance(told, list) and len(shown) == len(told):
        for rank, pair in enumerate(zip(shown, told)):
            yield from find_differences(*pair, f"{where}[{rank}]")
    elif told is ANY:
        if shown is MISSING:
            yield f"{where[1:]} : manque"
    elif (type(shown), shown) != (type(told), told):
        yield f"{where[1:]} : {shown!r:.60}, et non {told!r:.60} que dit la piste"


def write_amount(amount: Any) -> str:
    """Écrit un montant avec ses deux décimales."""
    return f"{Decimal(amount):.2f}"


def carries(now: Any, before: Any) -> bool:
    """Dit si des montants sont ceux de la pièce précédente ; le net à payer peut être moindre."""
    due, most = Decimal(now["due"]), Decimal(before["due"])
    is_less = min(most, Decimal(0)) <= due <= max(most, Decimal(0))
    return is_less and all(Decimal(now[key]) == Decimal(before[key]) for key in AMOUNTS[:3])


class Circuit:
    """Les règles et les mots de circuit.json, pour un dossier."""

    def __init__(self, content: Any) -> None:
        self.content = content
        self.rows: Any = None

    def open(self, version: str) -> None:
        """Charge les lignes d'une version. Une version à lignes éteintes n'en a pas ici."""
        self.rows = self.content["versions"].get(version)

    def describe_cadre(self, code: str) -> dict[str, Any]:
        if self.rows is None:
            return {"cadre": code, "cadre_label": ANY}
        row = self.rows.get(f"{code} avec MOA") or self.rows.get(f"{code} sans MOA")
        return {"cadre": code, "cadre_label": row["libelle"] if row else code}

    def describe_actor(self, who: Any) -> dict[str, Any]:
        return {"service": None, **who, "role_label": self.content["roles"][who["role"]]}

    def find_row(self, piece: Any, parties: Any) -> Any:
        return self.rows.get(f"{piece['cadre']} {'avec' if parties['moa'] else 'sans'} MOA")

    def list_acts(self, role: str, piece: Any, parties: Any) -> Any:
        """Donne ce qu'un rôle peut faire d'une pièce."""
        if self.rows is None:
            return ANY
        row = self.find_row(piece, parties)
        return [
            act
            for act, by, sources in (self.content["actes"] if row else ())
            if by == role and piece["status"] in sources and [act, by] not in row["actes_exclus"]
        ]

    def find_prevailing(self, pieces: Iterable[Any], parties: Any) -> Any:
        """Donne les montants qui prévalent : les derniers décisifs, ou à défaut les derniers."""
        if self.rows is None:
            return ANY
        rows = [(piece, self.find_row(piece, parties)) for piece in pieces]
        out = self.content["sans_montants"]
        standing = [pair for pair in rows if pair[1] and pair[0]["status"] not in out]
        decisive = [pair for pair in standing if pair[1]["montants_prevalent"]]
        if not standing:
            return None
        piece, row = (decisive or standing)[-1]
        is_closed = not row["contestable"] or piece["status"] == "ASSOCIEE"
        is_settled = row["montants_prevalent"] and is_closed
        for later, its in standing:
            signs = row["montants_prevalent"] and not its["montants_prevalent"]
            signs = signs and later["cadre"] in row["suites"]
            if signs and carries(later["amounts"], piece["amounts"]):
                piece, is_settled = later, True
                break
        return {**{key: piece[key] for key in ("piece_id", "amounts")}, "is_settled": is_settled}


def shape_older(dossier: Any) -> Any:
    """Donne à un dossier la forme qu'il avait dans les exports du format 2."""
    if isinstance(dossier, list):
        return [shape_older(each) for each in dossier]
    if not isinstance(dossier, dict):
        return dossier
    older = {key: shape_older(value) for key, value in dossier.items()}
    if "cadre" in older:
        cadre = {"code": older.pop("cadre"), "label": older.pop("cadre_label")}
        # Un cadre seul, ou celui d'une pièce.
        older = {**older, "cadre": cadre} if older else cadre
        older.pop("dossier_id", None)
    if "at" in older:
        older["label"] = older.pop("status_label")
    return older


class Story:
    """Le dossier que la piste raconte, dans les mots de dossier.json.

    Dans les formats précédents, un montant est écrit comme il a été déposé, et de chaque statut
    d'une pièce seul le dernier passage est gardé.
    """

    def __init__(self, circuit: Circuit, is_older: bool = False) -> None:
        self.circuit = circuit
        self.is_older = is_older
        self.pieces: dict[str, Any] = {}
        self.joined: dict[str, list[str]] = {}
        self.proofs: dict[str, list[str | None]] = {}
        self.rows: list[list[Any]] = []
        self.dossier: dict[str, Any] = {"state": "ouvert", "awaited": None}

    def take(self, version: int, event: Any) -> list[str]:
        """Applique un événement, et donne les fichiers qu'il ajoute."""
        kind = event["type"]
        if kind == "PieceReceived":
            return self.receive(event["deposit"])
        if kind in ("PieceCompleted", "AdditionRefused"):
            return self.add(event["completion"], is_refused=kind == "AdditionRefused")
        if kind == "StatusSet":
            self.enter(version, event)
        elif kind == "PieceRecycled":
            self.dossier["parties"] = event["parties"]
            self.pieces[event["piece_id"]]["engagement"] = event["engagement"]
        elif kind == "Closed":
            self.dossier.update(state="clos", awaited=None)
        elif kind == "DelayElapsed":
            self.dossier["awaited"]["due"] = None
        elif kind == "Offered":
            self.dossier["awaited"]["others"].append(self.describe_turn(event))
        elif kind == "Held" or (kind == "Forwarded" and event["purpose"] == "action"):
            self.wait(event)
        elif kind not in ("Forwarded", "DelayReminded"):
            raise ValueError(f"événement inconnu : {kind}")
        return []

    def receive(self, deposit: Any) -> list[str]:
        if not self.pieces:
            opening = ("dossier_id", "table_version", "parties")
            self.dossier.update({key: deposit[key] for key in opening})
            self.circuit.open(deposit["table_version"])
        name, attachments = deposit["piece_id"], deposit.get("attachments", [])
        self.joined[name], self.proofs[name] = [*attachments], [deposit["certificate_sha256"]]
        now = {key: deposit["amounts"][key] for key in AMOUNTS}
        if not all(map(AMOUNT.fullmatch, now.values())):
            raise ValueError(f"montants : {now}")
        if not self.is_older:
            now = {key: write_amount(amount) for key, amount in now.items()}
        was = self.pieces.get(deposit["follows"], {"amounts": now})["amounts"]
        differences = {key: Decimal(now[key]) - Decimal(was[key]) for key in AMOUNTS}
        same = ("piece_id", "follows", "number", "issued_on", "currency", "engagement", "comment")
        self.pieces[name] = {
            **{key: deposit.get(key) for key in (*same, "file_sha256")},
            **self.circuit.describe_cadre(deposit["cadre"]),
            "dossier_id": deposit["dossier_id"],
            "depositor": self.circuit.describe_actor(deposit["depositor"]),
            "amounts": now,
            "changes": [
                {"field": key, "previous": was[key], "now": now[key], "difference": f"{change:f}"}
                for key, change in differences.items()
                if change
            ],
            "status": "DEPOSEE",
            "stamps": [],
            "attachments": [*attachments],
        }
        return [deposit["file_sha256"], *attachments]

    def add(self, completion: Any, is_refused: bool) -> list[str]:
        name, files = completion["piece_id"], [*completion["attachments"]]
        self.joined[name] += files
        self.proofs[name].append(completion.get("certificate_sha256"))
        self.pieces[name]["attachments"] += [] if is_refused else files
        return files

    def enter(self, version: int, event: Any) -> None:
        piece, status, by = self.pieces[event["piece_id"]], event["status"], event.get("by") or {}
        words, said = self.circuit.content, [event.get("motive"), event.get("comment")]
        label = words["statuts"][status]
        stamp = {"status": status, "status_label": label, "at": event["at"]}
        stamp["motive"], stamp["comment"] = said if any(said) else (None, None)
        stamp["motive_label"] = words["motifs"].get(stamp["motive"])
        same = [each for each in piece["stamps"] if each["status"] == status]
        if self.is_older:
            piece["stamps"] = [each for each in piece["stamps"] if each not in same]
        else:
            stamp["rank"] = len(same) + 1
        piece["status"] = status
        piece["stamps"].append(stamp)
        row = [version, piece["cadre"], piece["number"], piece["piece_id"], event["at"]]
        row += [event.get("previous"), status, label, by.get("role"), by.get("structure")]
        self.rows.append([*row, event.get("act"), *said])

    def describe_turn(self, event: Any) -> dict[str, Any]:
        cadres = [self.circuit.describe_cadre(code) for code in event["cadres"]]
        return {"actor": self.circuit.describe_actor(event["to"]), "cadres": cadres}

    def wait(self, event: Any) -> None:
        hold, was = None, self.dossier["awaited"]
        if event["type"] == "Held":
            hold = {"code": event["reason"]}
            hold.update({key: event[key] for key in ("message", "structure")})
        since = was["since"] if hold and was and was["hold"] else event["at"]
        awaited = {
            **self.describe_turn(event),
            "piece_id": event["piece_id"],
            "others": [],
            "hold": hold,
        }
        self.dossier["awaited"] = {**awaited, "since": since, "due": event.get("due")}

    def describe_dossier(self, version: int) -> dict[str, Any]:
        """Donne le contenu attendu de dossier.json."""
        pieces, words = [], self.circuit.content["statuts"]
        for piece in self.pieces.values():
            stamps = sorted(piece["stamps"], key=lambda stamp: parse_moment(stamp["at"]))
            pieces.append({**piece, "stamps": stamps, "status_label": words[piece["status"]]})
        parties, awaited = self.dossier["parties"], self.dossier["awaited"]
        if awaited:
            others = [self.add_acts(each, awaited) for each in awaited["others"]]
            awaited = {**self.add_acts(awaited, awaited), "others": others}
        prevailing = self.circuit.find_prevailing(pieces, parties)
        told = {"version": version, "pieces": pieces, "prevailing": prevailing, "awaited": awaited}
        return {**self.dossier, **told}

    def add_acts(self, turn: Any, awaited: Any) -> dict[str, Any]:
        piece, role = self.pieces[awaited["piece_id"]], turn["actor"]["role"]
        acts = self.circuit.list_acts(role, piece, self.dossier["parties"])
        return {**turn, "acts": [] if awaited["hold"] else acts}

    def list_places(self) -> dict[str, str | None]:
        """Donne le SHA-256 attendu par chemin ; un `-` final précède le nom donné au dépôt."""
        places: dict[str, str | None] = dict.fromkeys(ROOT)
        for rank, (name, piece) in enumerate(self.pieces.items(), 1):
            label = make_safe_name(f"{piece['cadre']}-{piece['number']}")
            folder = f"pieces/{rank:02d}-{label}"
            places[f"{folder}/piece-"] = piece["file_sha256"]
            for number, file in enumerate(self.joined[name], 1):
                places[f"{folder}/jointe-{number:02d}-"] = file
            for number, proof in enumerate(self.proofs[name]):
                prefix = f"complement-{number:02d}-" if number else ""
                places[f"{folder}/{prefix}certificat.pdf"] = proof
        return places


def parse_moment(text: str) -> datetime:
    return datetime.fromisoformat(text.replace("Z", "+00:00"))


class Export:
    """Un export : ses membres, et ce que sa piste raconte."""

    def __init__(self) -> None:
        self.members: dict[str, Member] = {}
        self.entries: list[Any] = []
        self.unproven: list[str] = [*UNPROVEN]
        self.story = Story(Circuit({}))

    def verify(self, path: Path, head: str) -> list[str]:
        """Donne toutes les fautes."""
        faults = list(self.read_folder(path) if path.is_dir() else self.read_zip(path))
        if MANIFEST not in self.members:
            return [*faults, f"{MANIFEST!r} : manque, le reste n'est donc pas vérifié"]
        for name, check in (
            (MANIFEST, self.check_manifest),
            (CIRCUIT, self.read_circuit),
            (TRAIL, self.check_trail),
            (TRAIL, self.replay),
            (MANIFEST, self.check_places),
            (STATUSES, self.check_statuses),
            (DOSSIER, self.check_dossier),
            (MANIFEST, self.check_head),
            (README, self.check_readme),
        ):
            try:
                faults += check()
            except UNREADABLE as error:
                faults.append(f"{name} : manque, ou n'a plus la forme attendue ({error!r:.80})")
        if head and (not self.entries or self.entries[-1]["hash"] != head.lower()):
            faults.append(f"la tête de la piste n'est pas {head}")
        if not head:
            self.unproven.append(f"{TRAIL} : la piste, tant que `--tete` ne compare pas sa tête")
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
                    at = offset + find_first_difference(head + name, expected)
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
            at = offset + find_first_difference(rest, directory + end)
            yield f"zip, octet {at} : le répertoire final a changé, ou la fin de ce qui le précède"

    def check_manifest(self) -> Iterator[str]:
        manifest = json.loads(self.members[MANIFEST].text)
        yield from self.check_form(MANIFEST, write_canonical(manifest, 1) + b"\n")
        if manifest.pop("sceau") != sha256(write_canonical(manifest)).hexdigest():
            yield f"{MANIFEST} : son contenu n'est plus celui que dit son sceau"
        listed = {each["chemin"]: (each["sha256"], each["taille"]) for each in manifest["fichiers"]}
        if [each["chemin"] for each in manifest["fichiers"]] != sorted(listed):
            yield f"{MANIFEST}, fichiers : ils ne sont pas dans l'ordre de leurs chemins"
        for path in sorted({*listed, *self.members} - {MANIFEST}):
            if path not in self.members:
                yield f"{path!r} : manque"
            elif path not in listed:
                yield f"{path!r} : en trop, le manifeste ne le nomme pas"
            elif write_canonical(listed[path]) != write_canonical(self.members[path][:2]):
                yield f"{path!r} : son contenu n'est plus celui que dit le manifeste"

    def check_form(self, name: str, expected: bytes) -> Iterator[str]:
        """Compare un membre, octet par octet, avec la seule forme qu'il puisse avoir."""
        raw = self.members[name].text
        if raw != expected:
            line = raw.count(b"\n", 0, find_first_difference(raw, expected)) + 1
            yield f"{name}, ligne {line} : n'est pas sous sa forme canonique"

    def read_circuit(self) -> Iterator[str]:
        """Charge les règles du circuit, si leur SHA-256 est connu."""
        member = self.members[CIRCUIT]
        is_older = json.loads(self.members[MANIFEST].text)["format"] in OLDER
        self.story = Story(Circuit(json.loads(member.text)), is_older)
        if member.sha256 not in CIRCUITS:
            yield f"{CIRCUIT} : ce ne sont pas des règles que ce verify.py connaît"

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
                hashed = sha256(
                    write_canonical({key: entry[key] for key in entry if key != "hash"})
                )
                for is_wrong, fault in (
                    (line != write_canonical(entry), "n'est plus sous sa forme canonique"),
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
        """Rejoue la piste."""
        for entry in self.entries:
            named = [
                each
                for event in entry["events"]
                for each in self.story.take(entry["version"], event)
            ]
            if entry["files"] != named:
                yield f"{TRAIL}, entrée de version {entry['version']} : ses fichiers sont autres"

    def check_places(self) -> Iterator[str]:
        """Compare chaque fichier, son chemin et son nom avec ce que la piste nomme."""
        places = self.story.list_places()
        for each in json.loads(self.members[MANIFEST].text)["fichiers"]:
            path, name = each["chemin"], each.get("nom", "")
            given = make_safe_name(name) if name else ""
            place = path[: len(path) - len(given)] if path.endswith(given) else ""
            has_room = place in places and place.endswith("-") == bool(name)
            if not has_room or {*each} - {"nom"} != {"chemin", "sha256", "taille"}:
                yield f"{path!r} : la piste ne nomme rien à cette place, ou pas sous ce nom"
                continue
            told = places.pop(place)
            if told not in (None, each["sha256"]):
                yield f"{path!r} : ce n'est pas le contenu que la piste nomme"
            elif told is None and place not in ROOT:
                self.unproven.append(f"{path} : la piste n'en a pas noté l'empreinte")
        yield from (f"{place!r}… : manque, la piste le nomme" for place in places)

    def check_statuses(self) -> Iterator[str]:
        for fault in self.check_form(STATUSES, write_table(self.story.rows)):
            yield fault.partition(" : ")[0] + " : ce n'est pas ce que dit la piste"

    def check_dossier(self) -> Iterator[str]:
        dossier = json.loads(self.members[DOSSIER].text)
        yield from self.check_form(DOSSIER, write_canonical(dossier, 1) + b"\n")
        told = self.story.describe_dossier(self.entries[-1]["version"])
        if json.loads(self.members[MANIFEST].text)["format"] == FORMAT_2:
            told = shape_older(told)
        yield from (f"{DOSSIER}, {fault}" for fault in find_differences(dossier, told))
        if self.story.circuit.rows is None:
            version = self.story.dossier["table_version"]
            self.unproven += [
                f"{DOSSIER}, {what} : la version {version} du circuit n'est pas dans {CIRCUIT}"
                for what in ("cadre_label", "acts", "prevailing")
            ]

    def check_head(self) -> Iterator[str]:
        """Compare le manifeste avec la piste, qui ne dit ni qui a exporté, ni quand."""
        last, manifest = self.entries[-1], json.loads(self.members[MANIFEST].text)
        by, dossier = manifest["exporte_par"], self.story.dossier
        party = dossier["parties"].get(by["role"]) or {}
        told = {
            **{key: manifest[key] for key in ("exporte_le", "fichiers", "sceau")},
            "format": manifest["format"] if manifest["format"] in OLDER else FORMAT,
            "dossier": last["dossier"],
            "table": dossier["table_version"],
            "exporte_par": {"role": by["role"], "structure": party.get("structure")},
            "piste": {"version": last["version"], "tete": last["hash"], "entrees": 0},
        }
        told["piste"]["entrees"] = len(self.entries)
        yield from (f"{MANIFEST}, {fault}" for fault in find_differences(manifest, told))
        parse_moment(manifest["exporte_le"])

    def check_readme(self) -> Iterator[str]:
        """Compare le texte d'explication, une fois effacé ce qu'il dit de ce dossier."""
        if README not in self.members:
            return
        last, said = self.entries[-1], self.members[README].text.decode()
        text = said.replace(f"  version  {last['version']}\n", "  version  $version\n")
        verifier = self.members["verify.py"].sha256
        told = (("head", last["hash"]), ("verifier", verifier), ("dossier", last["dossier"]))
        for name, value in told:
            text = text.replace(value, "$" + name)
        if "$" in said or sha256(text.encode()).hexdigest() not in READMES:
            yield f"{README} : ce n'est pas le texte que ce verify.py connaît"


def say(text: str) -> None:
    """Affiche un texte, même quand le terminal n'en a pas tous les caractères."""
    code = sys.stdout.encoding or "ascii"
    sys.stdout.write(text.encode(code, "backslashreplace").decode(code) + "\n")


def main(words: list[str]) -> int:
    """Lit la ligne de commande, vérifie l'export, affiche les fautes."""
    head = ""
    if words[:1] == ["--tete"] and any(words[1:2]):
        head, words = words[1], words[2:]
    path = Path(words[0]) if words else Path(__file__).resolve().parent
    if len(words) > 1 or words[:1] == ["--tete"] or not path.exists():
        say(USAGE)
        return 2
    export = Export()
    faults = export.verify(path, head)
    if faults:
        counted = f"{len(faults)} faute{'s' if len(faults) > 1 else ''}"
        lines = (" ".join(show_hidden(fault).split()) for fault in faults)
        say("\n".join([*lines, f"NON CONFORME : {counted}"]))
        return 1
    last, story = export.entries[-1], export.story
    say(
        f"conforme : dossier {last['dossier']}, {len(export.members)} fichiers, "
        f"{len(story.pieces)} pièces, {len(story.rows)} statuts, {len(export.entries)} entrées\n"
        f"tête de la piste : {last['hash']} (version {last['version']})"
    )
    say("\n  - ".join(["non prouvé par la piste :", *map(show_hidden, export.unproven)]))
    if export.members["verify.py"].sha256 != sha256(Path(__file__).read_bytes()).hexdigest():
        say("attention : le verify.py de l'export n'est pas celui qui vient de le vérifier")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
