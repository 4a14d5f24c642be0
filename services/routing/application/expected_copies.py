"""Expected copies of a dossier: what other services must show to each party, by its trail.

They are computed from the trail, and not from the messages that were sent.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from typing import Any

from services.routing.application.journey import Cause, Enclosure, Journey
from services.routing.application.messages import build_messages
from services.routing.application.ports import StoredEntry
from services.routing.domain.commands import Deposit
from services.routing.domain.dossier import evolve
from services.routing.domain.events import AdditionRefused, PieceCompleted, PieceReceived
from shared.circuit.loader import load_version
from shared.circuit.parties import Parties
from shared.circuit.reception import find_receivers
from shared.circuit.table import Row, find_application
from shared.circuit.visibility import is_visible_to
from shared.contracts.public_paths import build_public_path
from shared.contracts.routing_v1 import DossierChanged, PieceStateV1, StatusChanged
from shared.vocabulary.actors import Actor
from shared.vocabulary.amounts import find_changes
from shared.vocabulary.codes import is_credit_note
from shared.vocabulary.levels import LEVEL
from shared.vocabulary.roles import SUPPLIER_SIDE, Role
from shared.vocabulary.statuses import Status


@dataclass(frozen=True, slots=True)
class ExpectedDossier:
    """A dossier, replayed from its audit trail."""

    journey: Journey
    state: DossierChanged
    trail: Sequence[StoredEntry]

    @property
    def parties(self) -> Iterator[Actor]:
        """Parties of the dossier, each in its role."""
        for role, party in self.journey.dossier.parties.list_named():
            yield Actor(role, party.structure)


def expect_of_deposit(expected: ExpectedDossier, state: PieceStateV1, role: Role) -> dict[str, Any]:
    """Build what deposit must show of a piece to a role."""
    deposits = _read_deposits(expected)
    deposit = deposits[state.piece_id]
    previous = deposits.get(deposit.follows or "")
    return _describe_deposit(deposit, previous, expected.journey.enclosures[deposit.piece_id]) | {
        "next": _find_first_recipient(expected, deposit),
        "status": _find_status(expected, state, role),
        "dossier_parties": _build_parties(expected.journey.dossier.parties),
        "prevailing": _build_prevailing(expected),
        "completions": tuple(
            _build_completion(each) for each in _read_additions(expected, deposit.piece_id)
        ),
    }


def _find_first_recipient(expected: ExpectedDossier, deposit: Deposit) -> dict[str, Any] | None:
    circuit = load_version(expected.journey.dossier.table_version)
    row = circuit.find_row(deposit.cadre, moa=deposit.parties.moa is not None)
    if not isinstance(row, Row):
        return None
    role = row.first_recipient
    party = deposit.parties.of(role)
    return {"role": role, "application": find_application(role), **(asdict(party) if party else {})}


def _build_completion(event: PieceCompleted | AdditionRefused) -> dict[str, Any]:
    completion = event.completion
    said = {
        "completed_at": completion.completed_at,
        "comment": completion.comment,
        "attachments": tuple({"sha256": each} for each in completion.attachments),
    }
    # Older trails do not name certificates.
    proof = completion.certificate_sha256
    return {**said, "certificate": {"sha256": proof}} if proof else said


def _describe_deposit(
    deposit: Deposit, previous: Deposit | None, enclosure: Enclosure
) -> dict[str, Any]:
    changed = find_changes(previous.amounts, deposit.amounts) if previous else ()
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
        "depositor": {
            "role": deposit.depositor.role,
            "structure": deposit.depositor.structure,
            "service": deposit.depositor.service,
        },
        "parties": _build_parties(deposit.parties),
        "follows": deposit.follows,
        "engagement": deposit.engagement,
        "comment": deposit.comment,
        "deposited_at": deposit.deposited_at,
        "marche": enclosure.marche,
        "mandant": deposit.mandant,
        "settles": deposit.settles,
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


def list_files(expected: ExpectedDossier) -> Iterator[tuple[str, str]]:
    """Yield the path in deposit, and the SHA-256, of every file and certificate."""
    for piece_id, deposit in _read_deposits(expected).items():
        path = partial(build_public_path, "deposit", "pieces", piece_id)
        yield path("file"), deposit.file_sha256
        yield path("certificate"), deposit.certificate_sha256
        attachments = [*deposit.attachments]
        for rank, event in enumerate(_read_additions(expected, piece_id), 1):
            attachments += event.completion.attachments
            if event.completion.certificate_sha256:
                certificate = path("completions", rank, "certificate")
                yield certificate, event.completion.certificate_sha256
        yield from ((path("attachments", sha256), sha256) for sha256 in attachments)


def expect_of_portal(expected: ExpectedDossier, state: PieceStateV1, role: Role) -> dict[str, Any]:
    """Build what the portal must show of a piece to a role."""
    is_hidden = state.status is not _find_status(expected, state, role)
    return {
        "dossier_id": expected.state.dossier_id,
        "cadre": state.cadre,
        "number": state.number,
        "status": _find_status(expected, state, role),
        "status_at": state.reported_at if is_hidden else state.status_at,
        "depositor": {"role": state.depositor.role, "structure": state.depositor.structure},
        "parties": _build_parties(expected.journey.dossier.parties),
        "awaited": _find_awaited(expected, state, role),
        "received": _is_received(expected, state, role),
        "closed": expected.state.closed and not _is_hiding(expected, role),
        "follows": state.follows,
        "issued_on": state.issued_on,
        "deposited_at": state.deposited_at,
        "currency": state.currency,
        "amounts": asdict(state.amounts.to_domain()) if state.amounts else None,
        "is_credit_note": is_credit_note(state.type_code),
        "prevailing": _build_prevailing(expected),
        "engagement": state.engagement,
        "marche": state.marche,
        "mandant": expected.state.mandant,
        "settles": state.settles,
    }


def _is_received(expected: ExpectedDossier, state: PieceStateV1, role: Role) -> bool:
    dossier = expected.journey.dossier
    circuit = load_version(dossier.table_version)
    return role in find_receivers(circuit, expected.state.pieces, state, moa=dossier.moa_present)


def _build_prevailing(expected: ExpectedDossier) -> dict[str, Any] | None:
    """Build the prevailing amounts."""
    prevailing = expected.state.prevailing
    return asdict(prevailing.to_domain()) if prevailing else None


def _find_awaited(
    expected: ExpectedDossier, state: PieceStateV1, role: Role
) -> dict[str, Any] | None:
    """Find whom a piece awaits, as a role sees it.

    Where payments are hidden from the role, the service financier stays awaited after it has acted.
    """
    is_hidden = state.status is not _find_status(expected, state, role)
    awaited = expected.state.awaited
    is_here = awaited is not None and awaited.piece_id == state.piece_id
    is_discreet = expected.state.payment_not_reported and role in SUPPLIER_SIDE
    payer = Role.SERVICE_FINANCIER
    if is_hidden or (is_discreet and is_here and awaited and awaited.role is payer):
        structure = expected.state.parties.service_financier.structure
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


def expect_of_notification(expected: ExpectedDossier, role: Role) -> tuple[dict[str, Any], ...]:
    """Build what notification must show to a role."""
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
            "parties": {
                name: {"structure": party.structure} if party else None
                for name, party in said.parties
            },
        }
        for sequence, said in enumerate(replay_statuses(expected), 1)
        if _can_see(expected, said.status, role)
    )


def replay_statuses(expected: ExpectedDossier) -> Iterator[StatusChanged]:
    """Build every status message again from the trail."""
    dossier = None
    for kept in expected.trail:
        for event in kept.entry.events:
            dossier = evolve(dossier, event)
        if dossier is None:
            return
        then = replace(expected.journey, dossier=dossier, ranks={}, entries=[])
        cause = Cause(then.correlation_id, kept.entry.cause)
        for message in build_messages(then, kept.entry.events, cause, LEVEL):
            if isinstance(message.payload, StatusChanged):
                yield message.payload


def _read_deposits(expected: ExpectedDossier) -> Mapping[str, Deposit]:
    """Map the id of each piece to its deposit, before any recycling."""
    received = (
        event.deposit
        for kept in expected.trail
        for event in kept.entry.events
        if isinstance(event, PieceReceived)
    )
    return {deposit.piece_id: deposit for deposit in received}


def _read_additions(
    expected: ExpectedDossier, piece_id: str
) -> Iterator[PieceCompleted | AdditionRefused]:
    events = (event for kept in expected.trail for event in kept.entry.events)
    for event in events:
        match event:
            case PieceCompleted(completion=completion) | AdditionRefused(completion=completion):
                if completion.piece_id == piece_id:
                    yield event
            case _:
                pass


def _build_parties(parties: Parties) -> dict[str, Any]:
    return {role.value: asdict(party) if (party := parties.of(role)) else None for role in Role}


def _find_status(expected: ExpectedDossier, state: PieceStateV1, role: Role) -> Status:
    is_seen = _can_see(expected, state.status, role)
    return state.status if is_seen or state.reported is None else state.reported


def _is_hiding(expected: ExpectedDossier, role: Role) -> bool:
    return not all(_can_see(expected, state.status, role) for state in expected.state.pieces)


def _can_see(expected: ExpectedDossier, status: Status, role: Role) -> bool:
    return is_visible_to(role, status, payment_not_reported=expected.journey.payment_not_reported)
