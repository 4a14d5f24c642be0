"""Export of a dossier: the names of its members, and the members that the portal writes.

The answers of the other services are exported as they are. Nothing here refuses a dossier that was
tampered with: the verifier of the export says where.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from operator import attrgetter
from string import Template
from typing import Any

from services.portal.domain.verifier.verify import (
    FORMAT,
    FORMAT_3,
    make_safe_name,
    write_canonical,
    write_table,
)
from shared.vocabulary.actors import Actor
from shared.vocabulary.labels import STATUSES

Json = Mapping[str, Any]
_NAMELESS = "sans-nom"


@dataclass(frozen=True, slots=True)
class FileRequest:
    """A file to fetch from deposit, the path it takes in the export, its name as deposited."""

    path: str
    url: str
    name: str = ""


@dataclass(frozen=True, slots=True)
class Member:
    """A member of the export: its path, hash and size, and its file's name as deposited."""

    path: str
    sha256: str
    size_bytes: int
    name: str = ""


def list_files(
    dossier: Json, trail: Sequence[Json], deposited: Mapping[str, Json]
) -> Iterator[FileRequest]:
    """List the files of each piece, and of its additions that are in the trail."""
    for rank, piece in enumerate(dossier["pieces"], 1):
        files, name = deposited[piece["piece_id"]], f"{piece['cadre']}-{piece['number']}"
        folder = f"pieces/{rank:02d}-{make_safe_name(name)}"
        yield _request_file(f"{folder}/piece", files["file"])
        yield FileRequest(f"{folder}/certificat.pdf", files["certificate"]["url"])
        completions = list(_find_completions(trail, files))
        added = (file for completion in completions for file in completion["attachments"])
        for number, file in enumerate([*files["attachments"], *added], 1):
            yield _request_file(f"{folder}/jointe-{number:02d}", file)
        for number, completion in enumerate(completions, 1):
            path = f"{folder}/complement-{number:02d}-certificat.pdf"
            yield FileRequest(path, completion["certificate"]["url"])


def write_dossier(dossier: Json) -> bytes:
    """Write the answer of routing, without what the trail tells and the verifier does not compute.

    The mandant and the starts of delays are read in the trail, which is exported too.
    """
    left_out = ("mandant", "delay_starts")
    kept = {key: value for key, value in dossier.items() if key not in left_out}
    return write_canonical(kept, 1) + b"\n"


def write_trail(trail: Iterable[Json]) -> bytes:
    """Write the audit trail, one canonical entry a line."""
    return b"".join(write_canonical(entry) + b"\n" for entry in trail)


def find_unknown_status(trail: Sequence[Json]) -> str | None:
    """Find a status that only a newer version knows: routing may be ahead of the portal."""
    told: Iterator[str] = (event["status"] for _, event in _find_events(trail, "StatusSet"))
    return next((status for status in told if status not in STATUSES), None)


def write_statuses(trail: Sequence[Json]) -> bytes:
    """Write every status of every piece, for a French spreadsheet."""
    received = (event["deposit"] for _, event in _find_events(trail, "PieceReceived"))
    deposits = {deposit["piece_id"]: deposit for deposit in received}
    rows = []
    for version, event in _find_events(trail, "StatusSet"):
        deposit, by = deposits.get(event["piece_id"], {}), event.get("by") or {}
        row = (
            *(version, deposit.get("cadre"), deposit.get("number"), event["piece_id"]),
            *(event["at"], event.get("previous"), event["status"], STATUSES[event["status"]]),
            *(by.get("role"), by.get("structure")),
            *(event.get("act"), event.get("motive"), event.get("comment")),
        )
        rows.append(row)
    return write_table(rows)


def write_read_me(template: str, dossier: Json, trail: Sequence[Json], verifier: bytes) -> bytes:
    """Write the read-me of the export: how to verify it, and what that proves."""
    last = trail[-1] if trail else {}
    text = Template(template).substitute(
        dossier=dossier["dossier_id"],
        version=last.get("version", "—"),
        head=last.get("hash", "—"),
        verifier=sha256(verifier).hexdigest(),
    )
    return text.encode()


def write_manifest(
    dossier: Json, trail: Sequence[Json], members: Iterable[Member], by: Actor, at: datetime
) -> bytes:
    """Write the manifest: the hash of every other member, and a seal of all."""
    last = trail[-1] if trail else {}
    content: dict[str, Any] = {
        "format": _find_format(dossier),
        "dossier": dossier["dossier_id"],
        "table": dossier["table_version"],
        "exporte_le": at.isoformat(),
        "exporte_par": {"structure": by.structure, "role": by.role.value},
        "piste": {"entrees": len(trail), "version": last.get("version"), "tete": last.get("hash")},
        "fichiers": [
            _describe_member(member) for member in sorted(members, key=attrgetter("path"))
        ],
    }
    content["sceau"] = sha256(write_canonical(content)).hexdigest()
    return write_canonical(content, 1) + b"\n"


def _find_format(dossier: Json) -> str:
    """Find the format of an export: a routing of the version before gives stamps no rank."""
    stamps = (stamp for piece in dossier["pieces"] for stamp in piece["stamps"])
    return FORMAT if all("rank" in stamp for stamp in stamps) else FORMAT_3


def _request_file(prefix: str, file: Json) -> FileRequest:
    # The manifest states the name as deposited; files that the platform writes have none.
    name = file["name"] or _NAMELESS
    return FileRequest(f"{prefix}-{make_safe_name(name)}", file["url"], name)


def _describe_member(member: Member) -> dict[str, Any]:
    listed = {"chemin": member.path, "sha256": member.sha256, "taille": member.size_bytes}
    return listed | ({"nom": member.name} if member.name else {})


def _find_completions(trail: Iterable[Json], deposited: Json) -> Iterator[Json]:
    """List the completions that reached the dossier, refused ones included, in order."""
    by_moment = {
        datetime.fromisoformat(completion["completed_at"]): completion
        for completion in deposited["completions"]
    }
    for _, event in _find_events(trail, "PieceCompleted", "AdditionRefused"):
        completion = event["completion"]
        if completion["piece_id"] == deposited["piece_id"]:
            known = by_moment.get(datetime.fromisoformat(completion["completed_at"]))
            if known:
                yield known


def _find_events(trail: Iterable[Json], *kinds: str) -> Iterator[tuple[int, Json]]:
    for entry in trail:
        for event in entry["events"]:
            if event["type"] in kinds:
                yield entry["version"], event
