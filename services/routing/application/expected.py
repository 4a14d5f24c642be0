"""What the other services must show of a dossier to each party, by its audit trail.

Said anew from the trail, and not read from what was sent: copies are compared with it.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from services.routing.application.journey import Cause, Enclosure, Journey
from services.routing.application.messages import messages_of
from services.routing.application.ports import Kept
from services.routing.domain.commands import Deposit
from services.routing.domain.dossier import evolve
from services.routing.domain.events import AdditionRefused, PieceCompleted, PieceReceived
from shared.circuit.loader import version
from shared.circuit.parties import Parties
from shared.circuit.table import Row, application_of
from shared.circuit.visibility import visible_to
from shared.contracts.routing_v1 import DossierChanged, PieceStateV1, StatusChanged
from shared.vocabulary.actors import Actor
from shared.vocabulary.amounts import changes
from shared.vocabulary.codes import is_credit_note
from shared.vocabulary.roles import SUPPLIER_SIDE, Role
from shared.vocabulary.statuses import Status


@dataclass(frozen=True, slots=True)
class Told:
    """A dossier as its trail tells it."""

    journey: Journey
    state: DossierChanged
    trail: Sequence[Kept]

    @property
    def parties(self) -> Iterator[Actor]:
        """Who takes part in it."""
        for role, party in self.journey.dossier.parties.named():
            yield Actor(role, party.structure)


def deposited(told: Told, state: PieceStateV1, role: Role) -> dict[str, Any]:
    """Say what deposit must show of a piece to a role."""
    deposits = _deposits(told)
    deposit = deposits[state.piece_id]
    previous = deposits.get(deposit.follows or "")
    return _as_deposited(deposit, previous, told.journey.enclosures[deposit.piece_id]) | {
        "next": _first_recipient(told, deposit),
        "status": _status(told, state, role),
        "dossier_parties": _parties(told.journey.dossier.parties),
        "prevailing": _prevailing(told),
        "completions": tuple(_completion(each) for each in _additions(told, deposit.piece_id)),
    }


def _first_recipient(told: Told, deposit: Deposit) -> dict[str, Any] | None:
    circuit = version(told.journey.dossier.table_version)
    row = circuit.row(deposit.cadre, moa=deposit.parties.moa is not None)
    if not isinstance(row, Row):
        return None
    role = row.first_recipient
    party = deposit.parties.of(role)
    return {"role": role, "application": application_of(role), **(asdict(party) if party else {})}


def _completion(event: PieceCompleted | AdditionRefused) -> dict[str, Any]:
    completion = event.completion
    said = {
        "completed_at": completion.completed_at,
        "comment": completion.comment,
        "attachments": tuple({"sha256": each} for each in completion.attachments),
    }
    # Trails of before certificates were named in them.
    proof = completion.certificate_sha256
    return {**said, "certificate": {"sha256": proof}} if proof else said


def _as_deposited(
    deposit: Deposit, previous: Deposit | None, enclosure: Enclosure
) -> dict[str, Any]:
    changed = changes(previous.amounts, deposit.amounts) if previous else ()
    first = enclosure.attachments[: len(deposit.attachments)]
    return {
        "dossier_id": deposit.dossier_id,
        "cadre": deposit.cadre,
        "number": deposit.number,
        "issued_on": deposit.issued_on,
        "currency": deposit.currency,
        "amounts": asdict(deposit.amounts),
        "changes": tuple(
            {
                "field": each.field,
                "previous": each.previous,
                "now": each.now,
                "difference": each.difference,
            }
            for each in changed
        ),
        "depositor_role": deposit.depositor.role,
        "depositor": {
            "structure": deposit.depositor.structure,
            "service": deposit.depositor.service,
        },
        "parties": _parties(deposit.parties),
        "follows": deposit.follows,
        "engagement": deposit.engagement,
        "comment": deposit.comment,
        "deposited_at": deposit.deposited_at,
        "marche": enclosure.marche,
        **({"type_code": enclosure.type_code} if enclosure.type_code else {}),
        "certificate": {"sha256": deposit.certificate_sha256},
        "file": {
            "sha256": deposit.file_sha256,
            "size_bytes": deposit.file_size_bytes,
            "name": enclosure.file.name,
            "media_type": enclosure.file.media_type,
        },
        "attachments": tuple(
            {"sha256": sha256, "name": each.name, "size_bytes": each.size_bytes}
            for sha256, each in zip(deposit.attachments, first, strict=False)
        ),
    }


def files_of(told: Told) -> Iterator[tuple[str, str]]:
    """Name every file and certificate, where deposit hands it out, by its SHA-256."""
    for piece_id, deposit in _deposits(told).items():
        path = f"/pieces/{piece_id}"
        yield f"{path}/file", deposit.file_sha256
        yield f"{path}/certificate", deposit.certificate_sha256
        attachments = [*deposit.attachments]
        for rank, event in enumerate(_additions(told, piece_id), 1):
            attachments += event.completion.attachments
            if event.completion.certificate_sha256:
                certificate = f"{path}/completions/{rank}/certificate"
                yield certificate, event.completion.certificate_sha256
        yield from ((f"{path}/attachments/{sha256}", sha256) for sha256 in attachments)


def listed(told: Told, state: PieceStateV1, role: Role) -> dict[str, Any]:
    """Say what the portal must show of a piece to a role."""
    is_hidden = state.status is not _status(told, state, role)
    return {
        "dossier_id": told.state.dossier_id,
        "cadre": state.cadre,
        "number": state.number,
        "status": _status(told, state, role),
        "status_at": state.reported_at if is_hidden else state.status_at,
        "depositor": {"role": state.depositor.role, "structure": state.depositor.structure},
        "parties": _parties(told.journey.dossier.parties),
        "awaited": _awaited(told, state, role),
        "closed": told.state.closed and not _hides(told, role),
        "follows": state.follows,
        "issued_on": state.issued_on,
        "deposited_at": state.deposited_at,
        "currency": state.currency,
        "amounts": asdict(state.amounts.to_domain()) if state.amounts else None,
        "is_credit_note": is_credit_note(state.type_code),
        "prevailing": _prevailing(told),
        "engagement": state.engagement,
        "marche": state.marche,
    }


def _prevailing(told: Told) -> dict[str, Any] | None:
    """Say what is to be paid."""
    prevailing = told.state.prevailing
    return asdict(prevailing.to_domain()) if prevailing else None


def _awaited(told: Told, state: PieceStateV1, role: Role) -> dict[str, Any] | None:
    """Say whom a piece awaits; to those who may not know of a payment, the payer, come what may."""
    is_hidden = state.status is not _status(told, state, role)
    awaited = told.state.awaited
    is_here = awaited is not None and awaited.piece_id == state.piece_id
    is_discreet = told.state.payment_not_reported and role in SUPPLIER_SIDE
    payer = Role.SERVICE_FINANCIER
    if is_hidden or (is_discreet and is_here and awaited and awaited.role is payer):
        structure = told.state.parties.service_financier.structure
        since = state.reported_at if is_hidden else state.status_at
        actors = ({"role": payer, "structure": structure},)
        return {"actors": actors, "since": since, "due": None, "held": False}
    if not is_here or awaited is None:
        return None
    return {
        "actors": tuple({"role": turn.role, "structure": turn.structure} for turn in awaited.turns),
        "since": awaited.since,
        "due": awaited.due,
        "held": awaited.held is not None,
    }


def statuses_of(told: Told, role: Role) -> tuple[dict[str, Any], ...]:
    """Say what notification must show to a role."""
    return tuple(
        {
            "sequence": sequence,
            "piece_id": said.piece_id,
            "cadre": said.cadre,
            "number": said.number,
            "status": said.status,
            "at": said.at,
            "by": {"role": said.by.role, "structure": said.by.structure} if said.by else None,
            "motive": said.motive,
            "comment": said.comment,
            "parties": {name: party.structure if party else None for name, party in said.parties},
        }
        for sequence, said in enumerate(every_status(told), 1)
        if _sees(told, said.status, role)
    )


def every_status(told: Told) -> Iterator[StatusChanged]:
    """Tell every status again, as it was told."""
    dossier = None
    for kept in told.trail:
        for event in kept.entry.events:
            dossier = evolve(dossier, event)
        if dossier is None:
            return
        then = replace(told.journey, dossier=dossier, ranks={}, entries=[])
        cause = Cause(then.correlation_id, kept.entry.cause)
        for message in messages_of(then, kept.entry.events, cause):
            if isinstance(message.payload, StatusChanged):
                yield message.payload


def _deposits(told: Told) -> Mapping[str, Deposit]:
    """Give each piece as it was deposited, before any recycling."""
    received = (
        event.deposit
        for kept in told.trail
        for event in kept.entry.events
        if isinstance(event, PieceReceived)
    )
    return {deposit.piece_id: deposit for deposit in received}


def _additions(told: Told, piece_id: str) -> Iterator[PieceCompleted | AdditionRefused]:
    events = (event for kept in told.trail for event in kept.entry.events)
    for event in events:
        match event:
            case PieceCompleted(completion=completion) | AdditionRefused(completion=completion):
                if completion.piece_id == piece_id:
                    yield event
            case _:
                pass


def _parties(parties: Parties) -> dict[str, Any]:
    return {role.value: asdict(party) if (party := parties.of(role)) else None for role in Role}


def _status(told: Told, state: PieceStateV1, role: Role) -> Status:
    is_seen = _sees(told, state.status, role)
    return state.status if is_seen or state.reported is None else state.reported


def _hides(told: Told, role: Role) -> bool:
    return not all(_sees(told, state.status, role) for state in told.state.pieces)


def _sees(told: Told, status: Status, role: Role) -> bool:
    return visible_to(role, status, payment_not_reported=told.journey.payment_not_reported)
