"""Conversion of pieces to documents of the read model, with the keys of their searches."""

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from services.portal.domain.piece import Awaited, Piece, PieceState
from shared.circuit.amounts import Prevailing
from shared.circuit.parties import Party
from shared.runtime.logs import get_logger
from shared.runtime.store.database import Document
from shared.runtime.store.driver import Decimal128
from shared.runtime.store.schema import DocumentFormat
from shared.runtime.web.problems import Problem
from shared.vocabulary.actors import Actor
from shared.vocabulary.amounts import Amounts
from shared.vocabulary.piece_numbers import build_number_key
from shared.vocabulary.roles import Role
from shared.vocabulary.statuses import Status


class DamagedPieceError(Problem):
    """A piece that was changed in the store: its search keys do not follow from its fields."""

    def __init__(self, piece_id: str, fields: Iterable[str]) -> None:
        """Answer 500: an inconsistent document is not shown."""
        names = ", ".join(fields)
        _log.error("piece.damaged", piece_id=piece_id, fields=names)
        super().__init__(
            500,
            "POR-PIECE-01",
            f"Une pièce de la liste n'est plus telle qu'elle a été enregistrée ({names}) : "
            "le signaler à l'exploitant.",
        )


_SEPARATOR = "\x1f"
_log = get_logger(__name__)
_NEVER = "0001-01-01T00:00:00.000"


def _write(piece: Piece) -> Document:
    return {
        "_id": piece.id,
        "dossier_id": piece.dossier_id,
        **_build_keys(piece),
        "cadre": piece.cadre,
        "number": piece.number,
        "depositor": build_actor_key(piece.depositor),
        "parties": {role.value: _from_party(party) for role, party in piece.parties.items()},
        "whole": _from_state(piece.whole),
        "reported": _from_state(piece.reported),
        "follows": piece.follows,
        "issued_on": piece.issued_on.isoformat() if piece.issued_on else None,
        "deposited_at": piece.deposited_at,
        "currency": piece.currency,
        "amounts": _from_amounts(piece.amounts) if piece.amounts else None,
        "engagement": piece.engagement,
        "marche": piece.marche,
        "credit_note": piece.is_credit_note,
        "prevailing": _from_prevailing(piece.prevailing) if piece.prevailing else None,
        "prevailing_credit_note": piece.is_prevailing_credit_note,
        "mandant": piece.mandant,
        "settles": list(piece.settles),
    }


def _build_keys(piece: Piece) -> Document:
    """Build the search keys of a piece, and the list of who may see it."""
    return {
        "order": build_sort_key(piece.deposited_at, piece.id),
        "seen_by": sorted(map(build_actor_key, piece.viewers)),
        "awaited_by": sorted(map(build_actor_key, piece.awaits)),
        "received_by": sorted(map(build_actor_key, piece.receivers)),
        "number_key": build_number_key(piece.number),
        "depositor_role": piece.depositor.role.value,
        "party_keys": {role.value: build_party_key(party) for role, party in piece.parties.items()},
    }


def _read(document: Document) -> Piece:
    """Convert a document to a piece. Raises DamagedPieceError when its search keys are wrong."""
    piece = _read_shown(document)
    wrong = [
        name for name, value in _build_keys(piece).items() if document.get(name, value) != value
    ]
    if wrong:
        raise DamagedPieceError(piece.id, wrong)
    return piece


PIECES = DocumentFormat("pieces", read=_read, write=_write)
"""The pieces, each with the `version` of its dossier beside what is shown of it."""


def _read_shown(document: Document) -> Piece:
    issued_on = document["issued_on"]
    amounts = document["amounts"]
    prevailing = document.get("prevailing")
    return Piece(
        id=document["_id"],
        dossier_id=document["dossier_id"],
        cadre=document["cadre"],
        number=document["number"],
        depositor=parse_actor_key(document["depositor"]),
        parties={Role(role): _to_party(party) for role, party in document["parties"].items()},
        whole=_to_state(document["whole"]),
        reported=_to_state(document["reported"]),
        follows=document["follows"],
        issued_on=date.fromisoformat(issued_on) if issued_on else None,
        deposited_at=document["deposited_at"],
        currency=document["currency"],
        amounts=_to_amounts(amounts) if amounts else None,
        engagement=document["engagement"],
        marche=document["marche"],
        is_credit_note=document.get("credit_note", False),
        prevailing=_to_prevailing(prevailing) if prevailing else None,
        received_in=frozenset(
            parse_actor_key(each).role for each in document.get("received_by", ())
        ),
        mandant=document.get("mandant"),
        settles=tuple(document.get("settles", ())),
        is_prevailing_credit_note=bool(
            document.get("prevailing_credit_note", document.get("credit_note"))
        ),
    )


def build_actor_key(actor: Actor) -> str:
    """Build the key of a structure in a role. No role contains `|`, so it can be split."""
    return f"{actor.role.value}|{actor.structure}"


def parse_actor_key(written: str) -> Actor:
    """Parse the key of a structure in a role."""
    role, _, structure = written.partition("|")
    return Actor(Role(role), structure)


def build_party_key(party: Party) -> str:
    """Build the key of a structure and its service."""
    return f"{party.structure}{_SEPARATOR}{party.service or ''}"


def build_sort_key(moment: datetime | None, piece_id: str = "") -> str:
    """Build the sort key of a piece: its moment of deposit, then its id.

    It is the cursor of pages too: the next page is what comes after this key, so pieces that
    arrive meanwhile shift nothing.
    """
    return f"{_write_moment(moment) if moment else _NEVER}|{piece_id}"


def to_decimal(amount: Decimal) -> Decimal128:
    """Convert an amount to a decimal of the store, which is exact and sorts as a number."""
    return Decimal128(amount)


def _write_moment(moment: datetime) -> str:
    utc = moment.astimezone(UTC)
    return utc.replace(tzinfo=None).isoformat(timespec="milliseconds")


def _from_party(party: Party) -> Document:
    return {"structure": party.structure, "service": party.service}


def _to_party(document: Mapping[str, Any]) -> Party:
    return Party(document["structure"], document["service"])


def _from_state(state: PieceState) -> Document:
    awaited = state.awaited
    return {
        "status": state.status.value,
        "status_at": state.status_at,
        "closed": state.closed,
        "awaited": {
            "actors": [build_actor_key(actor) for actor in awaited.actors],
            "since": awaited.since,
            "due": awaited.due,
            "held": awaited.held,
        }
        if awaited
        else None,
    }


def _to_state(document: Mapping[str, Any]) -> PieceState:
    awaited = document["awaited"]
    return PieceState(
        status=Status(document["status"]),
        status_at=document["status_at"],
        closed=document["closed"],
        awaited=Awaited(
            actors=tuple(map(parse_actor_key, awaited["actors"])),
            since=awaited["since"],
            due=awaited["due"],
            held=awaited["held"],
        )
        if awaited
        else None,
    )


def _from_amounts(amounts: Amounts) -> Document:
    return {
        "ht": to_decimal(amounts.ht),
        "tva": to_decimal(amounts.tva),
        "ttc": to_decimal(amounts.ttc),
        "due": to_decimal(amounts.due),
    }


def _to_amounts(document: Mapping[str, Any]) -> Amounts:
    return Amounts(**{name: document[name].to_decimal() for name in ("ht", "tva", "ttc", "due")})


def _from_prevailing(prevailing: Prevailing) -> Document:
    return {
        "piece_id": prevailing.piece_id,
        "amounts": _from_amounts(prevailing.amounts),
        "is_settled": prevailing.is_settled,
    }


def _to_prevailing(document: Mapping[str, Any]) -> Prevailing:
    return Prevailing(
        document["piece_id"], _to_amounts(document["amounts"]), document["is_settled"]
    )
