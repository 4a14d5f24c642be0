"""Messages that routing publishes, built from the events of a dossier."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from services.routing.application.amounts import find_prevailing, list_changes, list_differences
from services.routing.application.journey import Cause, Journey, find_row, list_acts
from services.routing.domain import rules
from services.routing.domain.dossier import Dossier, Piece, State
from services.routing.domain.events import (
    AdditionRefused,
    DelayElapsed,
    DelayReminded,
    Event,
    Forwarded,
    Offered,
    StatusSet,
)
from shared.circuit.statuses import Act
from shared.contracts import topics
from shared.contracts.common_v1 import ActorV1, AmountsV1, PartiesV1, PartyV1
from shared.contracts.envelope import Payload
from shared.contracts.outgoing import Outgoing
from shared.contracts.routing_v1 import (
    AwaitedV1,
    DifferenceV1,
    DossierChanged,
    PieceForwarded,
    PieceStateV1,
    PrevailingV1,
    ReasonV1,
    StatusChanged,
    TurnV1,
)
from shared.contracts.routing_v1 import DelayElapsed as DelayElapsedV1
from shared.contracts.routing_v1 import DelayReminded as DelayRemindedV1
from shared.contracts.topics import Topic
from shared.vocabulary.actors import Actor
from shared.vocabulary.roles import Purpose
from shared.vocabulary.statuses import Status


def build_messages(
    journey: Journey,
    events: tuple[Event, ...],
    cause: Cause,
    level: int,
    past: Sequence[Event] = (),
) -> Iterator[Outgoing]:
    """Build the messages of events, one after the other in the order of the events.

    A status, a refused addition, a forwarded piece, an elapsed delay and a reminder each give one
    message; any other event gives none.

    Args:
        level: the write level, whose acts a forwarded piece offers.
        past: earlier events of the dossier, where one of them may be why a piece is forwarded.
    """
    parties = PartiesV1.of(journey.dossier.parties)
    for event in events:
        if isinstance(event, StatusSet):
            status = _build_status(journey, event, parties, cause)
            yield _build_outgoing(
                journey, topics.STATUT, status.piece_id, status, cause, act=event.act
            )
        elif isinstance(event, AdditionRefused):
            status = _build_status(journey, _build_unchanged_status(journey, event), parties, cause)
            yield _build_outgoing(journey, topics.STATUT, status.piece_id, status, cause)
        elif isinstance(event, Forwarded | Offered):
            piece = _build_forwarded(journey, event, level, _find_reason((*past, *events), event))
            topic = topics.ACTEUR[event.to.role]
            yield _build_outgoing(
                journey, topic, piece.piece_id, piece, cause, key=event.to.structure
            )
        elif isinstance(event, DelayElapsed | DelayReminded):
            delay = _build_delay(journey, event, parties)
            yield _build_outgoing(journey, topics.ECHEANCE, delay.piece_id, delay, cause)


def build_state_message(journey: Journey, cause: Cause, at: datetime, level: int) -> Outgoing:
    """Build the message of the state of a dossier, with the acts that a write level offers."""
    state = build_state(journey, at, level)
    return _build_outgoing(journey, topics.DOSSIER, journey.dossier.id, state, cause)


def build_state(journey: Journey, at: datetime, level: int) -> DossierChanged:
    """Build the state of a dossier for the read models of other services."""
    dossier = journey.dossier
    return DossierChanged(
        dossier_id=dossier.id,
        version=dossier.version,
        closed=dossier.state is State.CLOS,
        table_version=dossier.table_version,
        parties=PartiesV1.of(dossier.parties),
        pieces=tuple(_build_piece_state(journey, piece) for piece in dossier.pieces),
        awaited=build_awaited(dossier, level),
        prevailing=_build_prevailing(journey),
        trail=journey.trail,
        payment_not_reported=journey.payment_not_reported,
        mandant=dossier.mandant,
        at=at,
    )


def _build_piece_state(journey: Journey, piece: Piece) -> PieceStateV1:
    reported, enclosure = _find_reported(piece), journey.enclosures[piece.id]
    return PieceStateV1(
        piece_id=piece.id,
        cadre=piece.cadre,
        number=piece.number,
        status=piece.status,
        depositor=_build_actor(piece.depositor),
        status_at=piece.stamps[piece.status],
        reported=reported,
        reported_at=piece.stamps[reported],
        follows=piece.follows,
        issued_on=piece.deposit.issued_on,
        deposited_at=piece.deposit.deposited_at,
        currency=piece.deposit.currency,
        amounts=AmountsV1.of(piece.amounts),
        type_code=enclosure.type_code,
        engagement=piece.deposit.engagement,
        marche=enclosure.marche,
        settles=piece.deposit.settles,
    )


def _find_reported(piece: Piece) -> Status:
    """Find the status for readers from whom a payment is hidden: the last one before it.

    A piece that is not paid has its own status. At equal times the status entered last counts.
    """
    if piece.status is not Status.MISE_EN_PAIEMENT:
        return piece.status
    unpaid = [status for status in piece.stamps if status is not Status.MISE_EN_PAIEMENT]
    return max(reversed(unpaid), key=lambda status: piece.stamps[status])


def build_awaited(dossier: Dossier, level: int) -> AwaitedV1 | None:
    """Build the awaited actors, with the acts of each and the rule that holds the piece."""
    awaited = dossier.awaited
    if awaited is None:
        return None
    return AwaitedV1(
        role=awaited.actor.role,
        structure=awaited.actor.structure,
        service=awaited.actor.service,
        piece_id=awaited.piece_id,
        cadres=awaited.cadres,
        acts=list_acts(dossier, awaited.actor.role, level),
        since=awaited.since,
        held=dossier.hold.reason if dossier.hold else None,
        due=awaited.due,
        others=tuple(
            TurnV1(
                role=turn.actor.role,
                structure=turn.actor.structure,
                service=turn.actor.service,
                cadres=turn.cadres,
                acts=list_acts(dossier, turn.actor.role, level),
            )
            for turn in awaited.others
        ),
    )


def _build_status(
    journey: Journey, event: StatusSet, parties: PartiesV1, cause: Cause
) -> StatusChanged:
    piece = journey.dossier[event.piece_id]
    return StatusChanged(
        piece_id=piece.id,
        dossier_id=journey.dossier.id,
        cadre=piece.cadre,
        number=piece.number,
        status=event.status,
        previous=event.previous,
        by=_build_actor(event.by) if event.by else None,
        motive=event.motive,
        comment=event.comment,
        parties=parties,
        depositor=_build_actor(piece.depositor),
        payment_not_reported=journey.payment_not_reported,
        at=event.at,
        user=cause.user if event.by else None,
        marche=journey.enclosures[journey.dossier.pieces[0].id].marche,
    )


def _build_unchanged_status(journey: Journey, event: AdditionRefused) -> StatusSet:
    """Build the status message for an addition that came too late: the status does not change.

    Its motive is ADDITION_TOO_LATE, not the rule that refused the addition: that rule could reveal
    a payment that is hidden from the readers.
    """
    piece = journey.dossier[event.completion.piece_id]
    late = rules.ADDITION_TOO_LATE.build_violation("piece", number=piece.number)
    return StatusSet(
        event.at,
        piece.id,
        piece.status,
        piece.status,
        motive=late.code,
        comment=f"{late.message} {late.remedy}",
    )


def _build_delay(
    journey: Journey, event: DelayElapsed | DelayReminded, parties: PartiesV1
) -> DelayElapsedV1 | DelayRemindedV1:
    piece = journey.dossier[event.piece_id]
    build = DelayRemindedV1 if isinstance(event, DelayReminded) else DelayElapsedV1
    return build(
        dossier_id=journey.dossier.id,
        piece_id=piece.id,
        cadre=piece.cadre,
        number=piece.number,
        delay=event.delay,
        role=event.by.role,
        structure=event.by.structure,
        service=event.by.service,
        since=event.since,
        due=event.due,
        parties=parties,
        at=event.at,
    )


def _build_forwarded(
    journey: Journey, event: Forwarded | Offered, level: int, reason: ReasonV1 | None
) -> PieceForwarded:
    piece = journey.dossier[event.piece_id]
    purpose = event.purpose if isinstance(event, Forwarded) else Purpose.ACTION
    is_awaited = purpose is Purpose.ACTION
    enclosure = journey.enclosures[piece.id]
    return PieceForwarded(
        piece_id=piece.id,
        dossier_id=journey.dossier.id,
        cadre=piece.cadre,
        number=piece.number,
        issued_on=piece.deposit.issued_on,
        currency=piece.deposit.currency,
        amounts=AmountsV1.of(piece.amounts),
        type_code=enclosure.type_code,
        prevailing=_build_prevailing(journey),
        differences=tuple(map(DifferenceV1.of, list_differences(journey.dossier, piece))),
        changes=tuple(map(DifferenceV1.of, list_changes(journey.dossier, piece))),
        sender=_find_sender(journey.dossier, piece, event.to),
        role=event.to.role,
        recipient=PartyV1(structure=event.to.structure, service=event.to.service),
        application=event.application,
        purpose=purpose,
        next_cadres=event.cadres,
        acts=list_acts(journey.dossier, event.to.role, level) if is_awaited else (),
        reason=reason,
        engagement=piece.deposit.engagement,
        marche=enclosure.marche,
        file=enclosure.file,
        attachments=enclosure.attachments,
        deposited_at=piece.deposit.deposited_at,
        forwarded_at=event.at,
    )


def _find_reason(events: Sequence[Event], forwarded: Forwarded | Offered) -> ReasonV1 | None:
    """Find why a piece comes: the last act on it or delay of it; None for a piece just deposited.

    What the platform does by itself, as when it lets a held piece go, is no reason.
    """
    for event in reversed(events):
        match event:
            case StatusSet(piece_id=forwarded.piece_id, act=Act() as act, by=Actor() as by):
                return ReasonV1(act=act, by=_build_actor(by), comment=event.comment, at=event.at)
            case DelayElapsed(piece_id=forwarded.piece_id):
                return ReasonV1(delay=event.delay, by=_build_actor(event.by), at=event.at)
            case _:
                continue
    return None


def _build_prevailing(journey: Journey) -> PrevailingV1 | None:
    holding = find_prevailing(journey.dossier)
    if holding is None:
        return None
    piece = journey.dossier[holding.piece_id]
    return PrevailingV1(
        piece_id=piece.id,
        cadre=piece.cadre,
        number=piece.number,
        currency=piece.deposit.currency,
        amounts=AmountsV1.of(holding.amounts),
        type_code=journey.enclosures[piece.id].type_code,
        is_settled=holding.is_settled,
    )


def _find_sender(dossier: Dossier, piece: Piece, to: Actor) -> ActorV1:
    """Find who sends a piece: its depositor, or its recipient when it comes back."""
    row = find_row(dossier, piece)
    if to.role is piece.depositor.role and row is not None:
        return ActorV1(role=row.recipient, structure=dossier.parties[row.recipient].structure)
    return _build_actor(piece.depositor)


def _build_outgoing(
    journey: Journey,
    topic: Topic,
    subject: str,
    payload: Payload,
    cause: Cause,
    key: str | None = None,
    act: Act | None = None,
) -> Outgoing:
    return Outgoing(
        topic=topic,
        key=key or journey.dossier.id,
        subject=subject,
        payload=payload,
        correlation_id=cause.correlation_id,
        dossier_id=journey.dossier.id,
        sequence=journey.take_next_rank(topic),
        causation_id=cause.message_id,
        act=act,
    )


def _build_actor(actor: Actor) -> ActorV1:
    return ActorV1(role=actor.role, structure=actor.structure)
