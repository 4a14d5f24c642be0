"""Documents and records that the floor writes: those of routing, as plain dictionaries."""

import json
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

from shared.contracts.deposit_v1 import PieceDeposited
from shared.contracts.envelope import Event
from shared.runtime.ids import new_id

STATUT, DOSSIER = "travaux.statut.v1", "travaux.dossier.v1"
NEXT = {"A4": ("moe", "A_ASSOCIER_MOE", ["A15"]), "A15": ("moa", "A_ASSOCIER_MOA", ["A19"])}
LAST: tuple[str, str, list[str]] = ("service_financier", "MISE_A_DISPOSITION", [])
ACTS = {
    "moe": ["deposer_suite", "prendre_en_compte", "refuser", "suspendre"],
    "moa": ["deposer_suite", "prendre_en_compte", "refuser", "suspendre"],
    "service_financier": [
        "suspendre",
        "rejeter",
        "service_fait",
        "mandater",
        "mettre_a_disposition_comptable",
        "comptabiliser",
        "mettre_en_paiement",
    ],
}

Document = dict[str, Any]
Deposited = Event[PieceDeposited]


class Batch:
    """Documents and records that one batch writes."""

    def __init__(self) -> None:
        self.dossiers: dict[str, Document] = {}
        self.audit: list[Document] = []
        self.outbox: dict[str, Document] = {}
        self.streams: dict[str, int] = {}
        self.inbox: list[Document] = []

    def add_message(
        self,
        dossier: Document,
        topic: str,
        key: str,
        subject: str,
        kind: str,
        event: Deposited,
        data: Document,
    ) -> None:
        ranks = dossier["ranks"]
        rank = next((pair for pair in ranks if pair[0] == topic), None)
        if rank is None:
            rank = [topic, 0]
            ranks.append(rank)
        rank[1] += 1
        message = {
            "specversion": "1.0",
            "id": new_id(),
            "source": "/services/routing",
            "type": kind,
            "time": format_now(),
            "datacontenttype": "application/json",
            "subject": subject,
            "dossierid": dossier["_id"],
            "sequence": f"{rank[1]:010d}",
            "correlationid": event.correlationid,
            "causationid": event.id,
            "data": data,
        }
        value = json.dumps(message, separators=(",", ":"), ensure_ascii=False).encode()
        document = self.outbox.setdefault(topic, {"_id": new_id(), "topic": topic, "messages": []})
        document["messages"].append(
            {"key": key, "stream": dossier["_id"], "rank": rank[1], "value": value, "headers": []}
        )


def format_now() -> str:
    now = datetime.now(UTC)  # noqa: TID251 - by hand, see above
    return now.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def route(batch: Batch, dossiers: dict[str, Document], event: Deposited) -> None:
    piece, now = event.data, format_now()
    deposit = write_deposit(piece)
    role, arrival, cadres = NEXT.get(piece.cadre, LAST)
    recipient = deposit["parties"][role]
    to = {"role": role, **recipient}
    by = deposit["depositor"]
    happened: list[Document] = [
        {"type": "PieceReceived", "at": now, "deposit": deposit, "phase": "en_cours"},
        build_status(deposit["deposited_at"], piece.piece_id, None, "DEPOSEE", by),
    ]
    dossier = dossiers.get(piece.dossier_id)
    if dossier is None:
        dossier = dossiers[piece.dossier_id] = build_dossier(piece, deposit, event)
    state = dossier["state"]
    if piece.follows:
        previous = state["pieces"][-1]
        happened.append(
            build_status(now, piece.follows, previous["status"], "ASSOCIEE", by, "deposer_suite")
        )
        previous["status"] = "ASSOCIEE"
        previous["stamps"]["ASSOCIEE"] = now
    happened += [
        build_status(now, piece.piece_id, "DEPOSEE", arrival, None),
        {
            "type": "Forwarded",
            "at": now,
            "piece_id": piece.piece_id,
            "to": to,
            "application": "factures_recues" if role == LAST[0] else "factures_de_travaux",
            "purpose": "action",
            "cadres": cadres,
            "directory": {each["structure"]: 1 for each in (recipient, deposit["parties"]["moa"])},
        },
    ]
    state["pieces"].append(
        {
            "deposit": deposit,
            "status": arrival,
            "stamps": {"DEPOSEE": deposit["deposited_at"], arrival: now},
            "attachments": deposit["attachments"],
        }
    )
    state["awaited"] = {"actor": to, "piece_id": piece.piece_id, "cadres": cadres, "since": now}
    state["version"] = dossier["version"] = dossier["version"] + len(happened)
    enclosure = {
        "file": piece.file.model_dump(),
        "marche": piece.marche,
        "attachments": [each.model_dump() for each in piece.attachments],
    }
    dossier["enclosures"][piece.piece_id] = enclosure
    dossier["pieces"].append(piece.piece_id)
    dossier["awaited"] = {
        "structure": to["structure"],
        "role": role,
        "service": "",
        "since": datetime.fromisoformat(now),
    }
    dossier["_event"] = event
    batch.dossiers[piece.dossier_id] = dossier
    keep_entry(batch, dossier, happened, event)
    add_messages(batch, dossier, happened, event)


def write_deposit(piece: PieceDeposited) -> Document:
    plain = piece.model_dump(
        mode="json",
        include={
            "piece_id",
            "dossier_id",
            "cadre",
            "number",
            "issued_on",
            "currency",
            "amounts",
            "parties",
            "follows",
            "engagement",
            "certificate_sha256",
            "table_version",
            "deposited_at",
            "comment",
        },
    )
    return {
        **plain,
        "depositor": {"role": piece.depositor_role.value, **piece.depositor.model_dump()},
        "file_sha256": piece.file.sha256,
        "file_size_bytes": piece.file.size_bytes,
        "attachments": [each.sha256 for each in piece.attachments],
    }


def build_status(
    at: str, piece: str, previous: str | None, new: str, by: Document | None, act: str | None = None
) -> Document:
    return {
        "type": "StatusSet",
        "at": at,
        "piece_id": piece,
        "previous": previous,
        "status": new,
        "by": by,
        "act": act,
        "motive": None,
        "comment": None,
    }


def build_dossier(piece: PieceDeposited, deposit: Document, event: Deposited) -> Document:
    return {
        "_id": piece.dossier_id,
        "version": 0,
        "state": {
            "id": piece.dossier_id,
            "table_version": piece.table_version,
            "phase": "en_cours",
            "parties": deposit["parties"],
            "pieces": [],
            "awaited": None,
            "hold": None,
            "state": "ouvert",
            "version": 0,
        },
        "correlation_id": event.correlationid,
        "ranks": [],
        "enclosures": {},
        "payment_not_reported": False,
        "trail": "",
        "pieces": [],
    }


def keep_entry(batch: Batch, dossier: Document, happened: list[Document], event: Deposited) -> None:
    deposit = happened[0]["deposit"]
    entry: Document = {
        "_id": f"{dossier['_id']}|{dossier['version']:06d}",
        "dossier": dossier["_id"],
        "version": dossier["version"],
        "events": happened,
        "files": [deposit["file_sha256"], *deposit["attachments"]],
        "cause": event.id,
        "previous": dossier["trail"],
    }
    text = json.dumps(entry, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    entry["hash"] = dossier["trail"] = sha256(text.encode()).hexdigest()
    batch.audit.append(entry)


def add_messages(
    batch: Batch, dossier: Document, happened: list[Document], event: Deposited
) -> None:
    pieces = {each["deposit"]["piece_id"]: each["deposit"] for each in dossier["state"]["pieces"]}
    parties = find_parties(dossier["state"])
    for each in happened[1:]:
        deposit = pieces[each["piece_id"]]
        depositor = {key: deposit["depositor"][key] for key in ("role", "structure")}
        named = {key: deposit[key] for key in ("piece_id", "dossier_id", "cadre", "number")}
        if each["type"] == "StatusSet":
            data = {
                **named,
                "status": each["status"],
                "previous": each["previous"],
                "by": depositor,
                "parties": parties,
                "depositor": depositor,
                "payment_not_reported": False,
                "at": each["at"],
            }
            kind, topic, key = "fr.aiguillage.piece.statut.v1", STATUT, dossier["_id"]
        else:
            enclosure, to = dossier["enclosures"][each["piece_id"]], each["to"]
            data = {
                **named,
                "issued_on": deposit["issued_on"],
                "currency": deposit["currency"],
                "amounts": deposit["amounts"],
                "sender": depositor,
                "role": to["role"],
                "recipient": {"structure": to["structure"]},
                "application": each["application"],
                "purpose": "action",
                "next_cadres": each["cadres"],
                **enclosure,
                "engagement": deposit["engagement"],
                "deposited_at": deposit["deposited_at"],
                "forwarded_at": each["at"],
            }
            kind = "fr.aiguillage.piece.acheminee.v1"
            topic, key = f"travaux.acteur.{to['role']}.v1", to["structure"]
        batch.add_message(dossier, topic, key, each["piece_id"], kind, event, data)


def find_parties(state: Document) -> Document:
    """Find the structure of each role that has one."""
    return {
        role: {"structure": party["structure"]} for role, party in state["parties"].items() if party
    }


def add_state(batch: Batch, dossier: Document) -> None:
    event, state = dossier.pop("_event"), dossier["state"]
    actor = state["awaited"]["actor"]
    data = {
        "dossier_id": dossier["_id"],
        "version": dossier["version"],
        "closed": False,
        "table_version": state["table_version"],
        "parties": find_parties(state),
        "pieces": [
            {
                "piece_id": each["deposit"]["piece_id"],
                "cadre": each["deposit"]["cadre"],
                "number": each["deposit"]["number"],
                "status": each["status"],
                "depositor": {k: each["deposit"]["depositor"][k] for k in ("role", "structure")},
            }
            for each in state["pieces"]
        ],
        "awaited": {
            "role": actor["role"],
            "structure": actor["structure"],
            "piece_id": state["awaited"]["piece_id"],
            "cadres": state["awaited"]["cadres"],
            "acts": ACTS[actor["role"]],
            "since": state["awaited"]["since"],
        },
        "at": format_now(),
    }
    kind = "fr.aiguillage.dossier.etat.v1"
    batch.add_message(dossier, DOSSIER, dossier["_id"], dossier["_id"], kind, event, data)
