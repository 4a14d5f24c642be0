"""What somebody may forge of an export who then seals it anew, and what the verifier says of it."""

import csv
import io
import json
from collections.abc import Callable, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

from services.portal.domain.verifier import verify
from services.portal.domain.verifier.verify import write_canonical
from tests.unit.portal.export_builders import AMOUNTS


def rewritten(folder: Path, name: str, change: Callable[[Any], object]) -> None:
    """Change a member as somebody would who then sets the manifest right."""
    path = folder / name
    if name == verify.TRAIL:
        entries = [json.loads(line) for line in path.read_bytes().splitlines()]
        change(entries)
        path.write_bytes(b"".join(write_canonical(entry) + b"\n" for entry in entries))
    elif name == verify.STATUSES:
        text = path.read_text(encoding="utf-8-sig")
        rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=";"))
        change(rows)
        written = io.StringIO(newline="")
        csv.writer(written, delimiter=";").writerows(rows)
        path.write_bytes(written.getvalue().encode("utf-8-sig"))
    elif name == verify.MANIFEST:
        sealed(path, change)
        return
    else:
        value = json.loads(path.read_bytes())
        change(value)
        path.write_bytes(write_canonical(value, 1) + b"\n")
    reseal(folder)


def reseal(folder: Path) -> None:
    """List what is there, under the names of origin that the manifest knows."""
    path = folder / verify.MANIFEST

    def list_anew(manifest: Any) -> None:  # noqa: ANN401 - JSON
        known = {each["chemin"]: each for each in manifest["fichiers"]}
        names = {each.relative_to(folder).as_posix() for each in folder.rglob("*")}
        there = [name for name in sorted(names) if (folder / name).is_file()]
        contents = {name: (folder / name).read_bytes() for name in there if name != path.name}
        manifest["fichiers"] = [
            known.get(name, {"chemin": name})
            | {"sha256": sha256(content).hexdigest(), "taille": len(content)}
            for name, content in contents.items()
        ]

    sealed(path, list_anew)


def sealed(path: Path, change: Callable[[Any], object]) -> None:
    manifest = json.loads(path.read_bytes())
    change(manifest)
    del manifest["sceau"]
    manifest["sceau"] = sha256(write_canonical(manifest)).hexdigest()
    path.write_bytes(write_canonical(manifest, 1) + b"\n")


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
    entries[1]["hash"] = sha256(write_canonical(entries[1])).hexdigest()


def name_no_file(entries: list[Any]) -> None:
    entries[0]["files"] = []
    previous = ""
    for entry in entries:
        entry["previous"] = previous
        del entry["hash"]
        previous = entry["hash"] = sha256(write_canonical(entry)).hexdigest()


def drop_last(rows: list[Any]) -> None:
    del rows[-1]


def pay_the_first_twice(dossier: Any) -> None:  # noqa: ANN401 - JSON
    forged = json.loads(json.dumps(dossier["pieces"][0]))
    forged["amounts"]["ttc"], forged["status"] = "999999.00", "MISE_EN_PAIEMENT"
    dossier["pieces"].insert(0, forged)


def name_twice(manifest: Any) -> None:  # noqa: ANN401 - JSON
    manifest["fichiers"].append(manifest["fichiers"][-1])


def rename_the_first(manifest: Any) -> None:  # noqa: ANN401 - JSON
    next(each for each in manifest["fichiers"] if "nom" in each)["nom"] = "autre.pdf"


TRAIL_FORGERIES = {
    "an entry says otherwise": (
        set_at(1, "events", 0, "comment", to="Rien ne manque."),
        "piste-audit.jsonl, ligne 2 (entrée de version 3) : a changé depuis qu'elle a été écrite",
    ),
    "an entry says otherwise under a hash of its own": (
        rehash_second,
        "piste-audit.jsonl, ligne 3 (entrée de version 5) : ne suit pas l'entrée qui la précède",
    ),
    "an entry is gone": (
        drop_second,
        "piste-audit.jsonl, ligne 2 (entrée de version 5) : une entrée manque avant",
    ),
    "the end of the trail is gone": (
        drop_last,
        "dossier.json, version : 9, et non 5 que dit la piste",
    ),
    "the files that an entry names beside its events": (
        name_no_file,
        "piste-audit.jsonl, entrée de version 2 : ses fichiers sont autres",
    ),
    "an event of no known kind": (
        set_at(1, "events", 0, "type", to="Paid"),
        "piste-audit.jsonl : manque, ou n'a plus la forme attendue (ValueError('événement inconnu",
    ),
}
STATUS_FORGERIES = {
    "a status of the table": (set_at(2, 6, to="REJETEE"), 3),
    "a status is gone from the table": (drop_last, 7),
    "a heading": (set_at(0, 9, to="payé à"), 1),
    "no heading": (set_at(0, to=["", *[""] * 7]), 1),
    "a status more": (lambda rows: rows.append(rows[-1]), 8),
    "the words of a status": (set_at(2, 7, to="Rejetée"), 3),
    "a formula in a label": (set_at(1, 7, to="=1+1"), 2),
    "a cell more": (lambda rows: rows[1].append("payé"), 2),
}
DOSSIER_FORGERIES: Mapping[str, tuple[Callable[[Any], object], str]] = {
    "a status": (set_at("pieces", 0, "status", to="REJETEE"), "pieces[0].status"),
    "a number": (set_at("pieces", 0, "number", to="SIT-2"), "pieces[0].number"),
    "a cadre": (set_at("pieces", 0, "cadre", to="A7"), "pieces[0].cadre"),
    "a file": (set_at("pieces", 0, "file_sha256", to="0" * 64), "pieces[0].file_sha256"),
    "the attachments": (set_at("pieces", 0, "attachments", to=[]), "pieces[0].attachments"),
    "a field that is absent": (set_at("visa_du_comptable", to="absent"), "visa_du_comptable"),
    "a field that is nothing": (set_at("visa_du_comptable", to=None), "visa_du_comptable"),
    "no piece": (set_at("pieces", to=[]), "pieces"),
    "a piece twice": (pay_the_first_twice, "pieces"),
    "another dossier": (set_at("dossier_id", to="another"), "dossier_id"),
    "an amount": (
        set_at("pieces", 1, "amounts", "ttc", to="120.01"),
        "pieces[1].amounts.ttc",
    ),
    "an amount written otherwise": (
        set_at("pieces", 0, "amounts", "ttc", to="1.2E+2"),
        "pieces[0].amounts.ttc",
    ),
    "no amount at all": (
        set_at("pieces", 0, "amounts", "ttc", to="sNaN"),
        "pieces[0].amounts.ttc",
    ),
    "an amount that changed": (set_at("pieces", 1, "changes", to=[]), "pieces[1].changes"),
    "the amounts that hold": (
        set_at("prevailing", "amounts", "due", to="0.00"),
        "prevailing.amounts.due",
    ),
    "a supplier": (
        set_at("parties", "titulaire", "structure", to="11111111111111"),
        "parties.titulaire.structure",
    ),
    "a payer": (
        set_at("parties", "service_financier", "structure", to="99999999999999"),
        "parties.service_financier.structure",
    ),
    "a service": (set_at("parties", "moe", "service", to="AUTRE"), "parties.moe.service"),
    "one party more": (
        set_at("parties", "cotraitant", to={"structure": "1", "service": None}),
        "parties.cotraitant",
    ),
    "a dossier that is over": (set_at("state", to="clos"), "state"),
    "nobody is awaited": (set_at("awaited", to=None), "awaited"),
    "somebody else is awaited": (
        set_at("awaited", "actor", "structure", to="1"),
        "awaited.actor.structure",
    ),
    "a delay": (set_at("awaited", "due", to=None), "awaited.due"),
    "a table": (set_at("table_version", to="1900-1"), "table_version"),
    "a currency": (set_at("pieces", 0, "currency", to="USD"), "pieces[0].currency"),
    "a date": (set_at("pieces", 0, "issued_on", to="1999-01-01"), "pieces[0].issued_on"),
    "a depositor": (
        set_at("pieces", 0, "depositor", "structure", to="X"),
        "pieces[0].depositor.structure",
    ),
    "an engagement": (set_at("pieces", 0, "engagement", to="EJ-FAUX"), "pieces[0].engagement"),
    "a comment": (set_at("pieces", 1, "comment", to="Refusé."), "pieces[1].comment"),
    "the piece that it follows": (set_at("pieces", 1, "follows", to=None), "pieces[1].follows"),
    "no stamps": (set_at("pieces", 0, "stamps", to=[]), "pieces[0].stamps"),
    "the moment of a stamp": (
        set_at("pieces", 0, "stamps", 1, "at", to="2026-01-01T00:00:00Z"),
        "pieces[0].stamps[1].at",
    ),
    "the comment of a stamp": (
        set_at("pieces", 0, "stamps", 1, "comment", to=None),
        "pieces[0].stamps[1].comment",
    ),
    "a field more": (set_at("penalites", to="10 000"), "penalites"),
    "a field more, under a word that is not compared": (
        set_at("pieces", 0, "label", to="Payée"),
        "pieces[0].label",
    ),
    "what is no word": (
        set_at("pieces", 0, "status_label", to={"montant": "10 000"}),
        "pieces[0].status_label",
    ),
    "a number for a truth": (set_at("version", to=True), "version"),
    "the words of a status": (
        set_at("pieces", 0, "status_label", to="Mise en paiement"),
        "pieces[0].status_label",
    ),
    "the words of a stamp": (
        set_at("pieces", 0, "stamps", 1, "status_label", to="Rejetée"),
        "pieces[0].stamps[1].status_label",
    ),
    "the words of a cadre": (
        set_at("pieces", 0, "cadre_label", to="Décompte général"),
        "pieces[0].cadre_label",
    ),
    "the words of a role": (
        set_at("awaited", "actor", "role_label", to="titulaire"),
        "awaited.actor.role_label",
    ),
    "an act more": (set_at("awaited", "acts", to=["mettre_en_paiement"]), "awaited.acts"),
    "an act less": (lambda dossier: dossier["awaited"]["acts"].pop(), "awaited.acts"),
    "another piece's amounts hold": (
        set_at(
            "prevailing",
            to={"piece_id": "p1", "amounts": {**AMOUNTS, "due": "120.00"}, "is_settled": False},
        ),
        "prevailing.piece_id",
    ),
    "no amounts hold": (set_at("prevailing", to=None), "prevailing"),
    "amounts that are settled": (
        set_at("prevailing", "is_settled", to=True),
        "prevailing.is_settled",
    ),
}
MANIFEST_FORGERIES = {
    "the dossier": (set_at("dossier", to="another"), "MANIFESTE.json, dossier : "),
    "the head": (set_at("piste", "tete", to="0" * 64), "MANIFESTE.json, piste.tete : "),
    "the table": (set_at("table", to="1900-1"), "MANIFESTE.json, table : "),
    "the format": (set_at("format", to="other"), "MANIFESTE.json, format : "),
    "a field more": (set_at("montant", to="10 000"), "MANIFESTE.json, montant : "),
    "an exporter who is no party": (
        set_at("exporte_par", to={"structure": "X", "role": "moa"}),
        "MANIFESTE.json, exporte_par.structure : ",
    ),
    "a name of origin": (
        rename_the_first,
        "'pieces/01-A4-SIT-1/jointe-01-metres.pdf' : la piste ne nomme rien à cette place",
    ),
    "a file twice": (
        name_twice,
        "'verify.py' : la piste ne nomme rien à cette place",
    ),
    "a word about a file": (
        set_at("fichiers", 0, "montant", to="10 000"),
        "'LISEZMOI.txt' : la piste ne nomme rien à cette place",
    ),
}
FORGERIES: Mapping[str, tuple[str, Callable[[Any], object], str]] = {
    **{
        f"trail: {case}": (verify.TRAIL, change, fault)
        for case, (change, fault) in TRAIL_FORGERIES.items()
    },
    **{
        f"statuses: {case}": (verify.STATUSES, change, f"statuts.csv, ligne {line} : ce n'est pas")
        for case, (change, line) in STATUS_FORGERIES.items()
    },
    **{
        f"dossier: {case}": (verify.DOSSIER, change, f"dossier.json, {where} : ")
        for case, (change, where) in DOSSIER_FORGERIES.items()
    },
    "circuit: the words of a status": (
        verify.CIRCUIT,
        set_at("statuts", "ASSOCIEE", to="Payée"),
        "circuit.json : ce ne sont pas des règles que ce verify.py connaît",
    ),
    **{
        f"manifest: {case}": (verify.MANIFEST, change, fault)
        for case, (change, fault) in MANIFEST_FORGERIES.items()
    },
}


FIRST, SECOND = "pieces/01-A4-SIT-1", "pieces/02-A15-EA-1"
FORGED = b"%PDF-1.4 FACTURE FALSIFIEE 999999 EUR"


def put(folder: Path, name: str, content: bytes = FORGED) -> None:
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(content)


def under_the_hash(folder: Path, name: str) -> None:
    """Put other bytes in the place of a file, under the hash that the trail names."""
    path = folder / name
    named = sha256(path.read_bytes()).hexdigest()
    path.unlink()
    put(folder, f"{path.parent.relative_to(folder)}/{named}")


def swap(folder: Path, one: str, other: str) -> None:
    first, second = folder / one, folder / other
    contents = first.read_bytes(), second.read_bytes()
    second.write_bytes(contents[0])
    first.write_bytes(contents[1])


def move(folder: Path, one: str, other: str) -> None:
    put(folder, other, (folder / one).read_bytes())
    (folder / one).unlink()


def double_a_key(folder: Path) -> None:
    path = folder / verify.DOSSIER
    text = path.read_bytes()
    key = b'"ttc": "120.00"'
    assert key in text
    path.write_bytes(text.replace(key, b'"ttc": "999999.00", ' + key, 1))


NOTHING = "la piste ne nomme rien à cette place, ou pas sous ce nom"
OTHER = "ce n'est pas le contenu que la piste nomme"
FILE_FORGERIES: Mapping[str, tuple[Callable[[Path], object], str]] = {
    "a piece under the hash of the true one": (
        lambda folder: under_the_hash(folder, f"{FIRST}/piece-situation.xml"),
        f"'{FIRST}/{{}}' : {NOTHING}",
    ),
    "a certificate under the hash of the true one": (
        lambda folder: under_the_hash(folder, f"{FIRST}/certificat.pdf"),
        f"'{FIRST}/{{}}' : {NOTHING}",
    ),
    "a piece": (
        lambda folder: put(folder, f"{SECOND}/piece-situation.xml"),
        f"'{SECOND}/piece-situation.xml' : {OTHER}",
    ),
    "a certificate": (
        lambda folder: put(folder, f"{SECOND}/certificat.pdf"),
        f"'{SECOND}/certificat.pdf' : {OTHER}",
    ),
    "an attachment": (
        lambda folder: put(folder, f"{SECOND}/jointe-01-metres.pdf"),
        f"'{SECOND}/jointe-01-metres.pdf' : {OTHER}",
    ),
    "the certificate of a completion": (
        lambda folder: put(folder, f"{FIRST}/complement-01-certificat.pdf"),
        f"'{FIRST}/complement-01-certificat.pdf' : {OTHER}",
    ),
    "no certificate of a completion": (
        lambda folder: (folder / f"{FIRST}/complement-01-certificat.pdf").unlink(),
        f"'{FIRST}/complement-01-certificat.pdf'… : manque, la piste le nomme",
    ),
    "a certificate of no completion": (
        lambda folder: put(folder, f"{FIRST}/complement-02-certificat.pdf"),
        f"'{FIRST}/complement-02-certificat.pdf' : {NOTHING}",
    ),
    "a piece and its certificate, exchanged": (
        lambda folder: swap(folder, f"{FIRST}/piece-situation.xml", f"{FIRST}/certificat.pdf"),
        f"'{FIRST}/certificat.pdf' : {OTHER}",
    ),
    "two attachments, exchanged": (
        lambda folder: swap(folder, f"{FIRST}/jointe-01-metres.pdf", f"{FIRST}/jointe-02-bon.pdf"),
        f"'{FIRST}/jointe-02-bon.pdf' : {OTHER}",
    ),
    "a file under another name": (
        lambda folder: move(folder, f"{FIRST}/piece-situation.xml", f"{FIRST}/piece-autre.xml"),
        f"'{FIRST}/piece-autre.xml' : {NOTHING}",
    ),
    "a file in a folder of another name": (
        lambda folder: move(
            folder, f"{FIRST}/piece-situation.xml", "pieces/01-A4-SIT-2/piece-situation.xml"
        ),
        f"'pieces/01-A4-SIT-2/piece-situation.xml' : {NOTHING}",
    ),
    "a second copy under a misleading name": (
        lambda folder: put(
            folder,
            "pieces/01-AUTRE/facture-modifiee.pdf",
            (folder / f"{FIRST}/piece-situation.xml").read_bytes(),
        ),
        f"'pieces/01-AUTRE/facture-modifiee.pdf' : {NOTHING}",
    ),
    "a file more beside the others": (
        lambda folder: put(folder, "AVENANT-signe.txt"),
        f"'AVENANT-signe.txt' : {NOTHING}",
    ),
    "a file more that some systems take for another": (
        lambda folder: put(folder, "DOSSIER.JSON"),
        f"'DOSSIER.JSON' : {NOTHING}",
    ),
    "another text that tells what the export is": (
        lambda folder: put(folder, "LISEZMOI.txt", b"Tout est prouv\xc3\xa9."),
        "LISEZMOI.txt : ce n'est pas le texte que ce verify.py connaît",
    ),
    "another verifier": (
        lambda folder: put(folder, "verify.py", b"print('conforme')"),
        "LISEZMOI.txt : ce n'est pas le texte que ce verify.py connaît",
    ),
    "no text that tells what the export is": (
        lambda folder: (folder / "LISEZMOI.txt").unlink(),
        "'LISEZMOI.txt'… : manque, la piste le nomme",
    ),
    "a key twice in the dossier": (double_a_key, "dossier.json, ligne "),
}
