"""A dossier as its peers tell it, and what the portal makes of it."""

import io
import json
import subprocess
import sys
import zipfile
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

from services.portal.adapters.export_assets import read_assets
from services.portal.adapters.export_zip import ZipArchive
from services.portal.application.exports import Exports
from services.portal.domain.export import Json
from services.portal.domain.verifier import verify
from services.portal.domain.verifier.verify import Export, write_canonical
from shared.vocabulary.actors import Actor
from shared.vocabulary.levels import LEVEL
from shared.vocabulary.roles import Role

DOSSIER = "01a21105-e653-76bb-99d7-eeaa779ed7ef"
NOW = datetime(2026, 11, 25, 4, 45, tzinfo=UTC)
EXPORTER = Actor(Role.MOA, "90000000300013")
SOURCE = Path(verify.__file__)
VERIFIER = b"# the verifier stands here\n"
KIT = read_assets(LEVEL)
WORDS = json.loads(KIT.circuit)
AMOUNTS = {"ht": "100.00", "tva": "20.00", "ttc": "120.00", "due": "120.00"}
LOWER = {**AMOUNTS, "ttc": "110.00"}
TITULAIRE = {"role": "titulaire", "structure": "90000000100017", "service": None}
MOE = {"role": "moe", "structure": "90000000200015", "service": "TRVX"}
MOA = {"role": "moa", "structure": EXPORTER.structure, "service": None}
PARTIES = {
    "cotraitant": None,
    "sous_traitant": None,
    "service_financier": {"structure": "90000000300013", "service": "CPTA"},
    **{
        each["role"]: {key: each[key] for key in ("structure", "service")}
        for each in (TITULAIRE, MOE, MOA)
    },
}
MOA_ACTS = ["deposer_suite", "prendre_en_compte", "refuser", "suspendre", "demander_recyclage"]
OPENED, SUSPENDED, COMPLETED, FOLLOWED = (f"2026-11-24T1{hour}:00:00Z" for hour in range(4))


def digest(content: bytes) -> str:
    return sha256(content).hexdigest()


def chained(groups: Sequence[Sequence[Json]]) -> list[dict[str, Any]]:
    """Link entries as routing does."""
    trail: list[dict[str, Any]] = []
    version, previous = 0, ""
    for events in groups:
        version += len(events)
        files = [
            file
            for event in events
            for file in (
                [event["deposit"]["file_sha256"], *event["deposit"]["attachments"]]
                if event["type"] == "PieceReceived"
                else event.get("completion", {}).get("attachments", ())
            )
        ]
        entry = {
            "_id": f"{DOSSIER}|{version:06d}",
            "dossier": DOSSIER,
            "version": version,
            "events": list(events),
            "files": files,
            "cause": f"cause {version}",
            "previous": previous,
        }
        previous = entry["hash"] = digest(write_canonical(entry))
        trail.append(entry)
    return trail


def status(
    at: str,
    piece_id: str,
    previous: str | None,
    now: str,
    **more: Any,  # noqa: ANN401
) -> dict[str, Any]:
    fields = {"by": None, "act": None, "motive": None, "comment": None, **more}
    moved = {"type": "StatusSet", "at": at, "piece_id": piece_id, "previous": previous}
    return moved | fields | {"status": now}


def actor(who: Json) -> dict[str, Any]:
    return {**who, "role_label": WORDS["roles"][who["role"]]}


def cadre(code: str) -> dict[str, Any]:
    rows = WORDS["versions"]["2026-2"]
    return {"cadre": code, "cadre_label": rows[f"{code} avec MOA"]["libelle"]}


def stamp(at: str, now: str, comment: str | None = None, rank: int = 1) -> dict[str, Any]:
    said = {"motive": None, "motive_label": None, "comment": comment}
    return {"status": now, "status_label": WORDS["statuts"][now], "at": at, "rank": rank, **said}


@dataclass
class World:
    """Peers that know one dossier: an A4 suspended and completed, and the A15 that answers it."""

    file_name: str = "situation.xml"
    attachment_name: str = "métrés.pdf"
    comment: str = "Il manque\nle « bon » ; merci."
    is_late: bool = False
    """Whether the completion came too late, and was refused."""
    files: dict[str, bytes] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Tell the story."""
        first, second = self._piece("p1", "A4", "SIT-1"), self._piece("p2", "A15", "EA-1")
        bon, proof = b"%PDF bon", b"%PDF complement certificate"
        self.files |= {"/pieces/p1/attachments/bon": bon, "/pieces/p1/completions/1": proof}
        first["completions"] = [
            {
                "completed_at": "2026-11-24T11:00:00.120Z",
                "attachments": [{"name": "bon.pdf", "url": "/pieces/p1/attachments/bon"}],
                "certificate": {"url": "/pieces/p1/completions/1", "sha256": digest(proof)},
            }
        ]
        moe = {"role": "moe", "structure": "90000000200015", "service": None}
        completion = {
            "piece_id": "p1",
            "attachments": [digest(bon)],
            "completed_at": "2026-11-24T12:00:00.120000+01:00",
            "certificate_sha256": digest(proof),
        }
        self.deposited = {"p1": first, "p2": second}
        self.trail_now = chained(
            (
                (self._received(OPENED, first), status(OPENED, "p1", None, "DEPOSEE")),
                (status(*(SUSPENDED, "p1", "DEPOSEE", "SUSPENDUE"), by=moe, comment=self.comment),),
                (
                    {
                        "type": "AdditionRefused" if self.is_late else "PieceCompleted",
                        "at": COMPLETED,
                        "completion": completion,
                    },
                    status(COMPLETED, "p1", "SUSPENDUE", "COMPLETEE"),
                ),
                (
                    self._received(FOLLOWED, second),
                    status(FOLLOWED, "p1", "COMPLETEE", "ASSOCIEE", by=moe, act="deposer_suite"),
                    status(FOLLOWED, "p2", None, "A_ASSOCIER_MOA"),
                    {
                        "type": "Forwarded",
                        "at": FOLLOWED,
                        "piece_id": "p2",
                        "to": MOA,
                        "purpose": "action",
                        "cadres": ["A19"],
                        "due": "2026-12-24T13:00:00Z",
                    },
                ),
            )
        )
        self.dossier_now: dict[str, Any] = {
            "dossier_id": DOSSIER,
            "version": self.trail_now[-1]["version"],
            "state": "ouvert",
            "table_version": "2026-2",
            "parties": PARTIES,
            "pieces": [
                self._shown(
                    first,
                    [
                        stamp(OPENED, "DEPOSEE"),
                        stamp(SUSPENDED, "SUSPENDUE", self.comment),
                        stamp(COMPLETED, "COMPLETEE"),
                        stamp(FOLLOWED, "ASSOCIEE"),
                    ],
                    [] if self.is_late else [digest(bon)],
                ),
                self._shown(second, [stamp(FOLLOWED, "A_ASSOCIER_MOA")], []),
            ],
            "prevailing": {"piece_id": "p2", "amounts": LOWER, "is_settled": False},
            "awaited": {
                "actor": actor(MOA),
                "piece_id": "p2",
                "cadres": [cadre("A19")],
                "acts": [*MOA_ACTS],
                "since": FOLLOWED,
                "due": "2026-12-24T13:00:00Z",
                "others": [],
                "hold": None,
            },
        }

    def _piece(self, name: str, cadre: str, number: str) -> dict[str, Any]:
        for kind in ("file", "certificate", "attachments/0"):
            self.files[f"/pieces/{name}/{kind}"] = f"%PDF {name} {kind}".encode()
        return {
            "piece_id": name,
            "cadre": cadre,
            "number": number,
            "file": {"name": self.file_name, "url": f"/pieces/{name}/file"},
            "certificate": {"url": f"/pieces/{name}/certificate"},
            "attachments": [{"name": self.attachment_name, "url": f"/pieces/{name}/attachments/0"}],
            "completions": [],
        }

    def _digest(self, piece: Json, kind: str) -> str:
        return digest(self.files[f"/pieces/{piece['piece_id']}/{kind}"])

    def _received(self, at: str, piece: Json) -> dict[str, Any]:
        deposit = {
            **self._told(piece),
            "dossier_id": DOSSIER,
            "cadre": piece["cadre"],
            "number": piece["number"],
            "certificate_sha256": self._digest(piece, "certificate"),
            "attachments": [self._digest(piece, "attachments/0")],
            "parties": PARTIES,
            "table_version": "2026-2",
        }
        return {"type": "PieceReceived", "at": at, "deposit": deposit}

    def _told(self, piece: Json) -> dict[str, Any]:
        is_first = piece["piece_id"] == "p1"
        return {
            "piece_id": piece["piece_id"],
            "follows": None if is_first else "p1",
            "issued_on": "2026-11-20",
            "currency": "EUR",
            "amounts": AMOUNTS if is_first else LOWER,
            "depositor": TITULAIRE if is_first else MOE,
            "engagement": "EJ-1" if is_first else None,
            "comment": None if is_first else "Vu.",
            "file_sha256": self._digest(piece, "file"),
        }

    def _shown(self, piece: Json, stamps: list[dict[str, Any]], added: list[str]) -> dict[str, Any]:
        told = self._told(piece)
        was, now = AMOUNTS["ttc"], told["amounts"]["ttc"]
        change = {"field": "ttc", "previous": was, "now": now, "difference": "-10.00"}
        return {
            **told,
            **cadre(piece["cadre"]),
            "dossier_id": DOSSIER,
            "number": piece["number"],
            "changes": [change] if told["follows"] else [],
            "depositor": actor(told["depositor"]),
            "status": stamps[-1]["status"],
            "status_label": stamps[-1]["status_label"],
            "stamps": stamps,
            "attachments": [self._digest(piece, "attachments/0"), *added],
        }

    async def fetch_dossier(self, dossier_id: str) -> Json | None:
        self.asked.append("dossier")
        return self.dossier_now if dossier_id == DOSSIER else None

    async def fetch_trail(self, dossier_id: str) -> Sequence[Json] | None:
        self.asked.append("trail")
        return self.trail_now if dossier_id == DOSSIER else None

    async def fetch_piece(self, piece_id: str) -> Json | None:
        return self.deposited.get(piece_id)

    async def fetch_file(self, url: str) -> AsyncGenerator[bytes, None]:
        content = io.BytesIO(self.files[url])
        while chunk := content.read(4):
            yield chunk


async def export(world: World, verifier: bytes = VERIFIER, at: datetime = NOW) -> bytes:
    """Give the bytes of the export."""
    archive = ZipArchive(max_mb=1)
    exporting = Exports(replace(KIT, verifier=verifier), lambda: at)
    assert await exporting.export(DOSSIER, EXPORTER, world, archive)
    with archive.finish() as file:
        return file.read()


def faults(path: Path, head: str = "") -> list[str]:
    return Export().verify(path, head)


def unpacked(content: bytes, folder: Path) -> Path:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        archive.extractall(folder)
    return folder


def run(*words: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-I", "-S", *map(str, words)]
    return subprocess.run(command, capture_output=True, encoding="utf-8", env={}, check=False)
