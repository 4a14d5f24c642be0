"""Read the state of a dossier as pieces, each with both of its faces."""

from collections.abc import Iterator
from dataclasses import replace

from services.portal.domain.piece import Awaited, Face, Piece
from shared.circuit.parties import Party
from shared.circuit.visibility import visible_to
from shared.contracts.routing_v1 import AwaitedV1, DossierChanged, PieceStateV1
from shared.vocabulary.actors import Actor
from shared.vocabulary.codes import is_credit_note
from shared.vocabulary.roles import Role
from shared.vocabulary.texts import composed


def pieces_of(said: DossierChanged) -> tuple[Piece, ...]:
    """Give every piece of a dossier."""
    is_hiding = any(_is_hidden(said, piece) for piece in said.pieces)
    return tuple(_piece(said, piece, is_hiding=is_hiding) for piece in said.pieces)


def _piece(said: DossierChanged, state: PieceStateV1, *, is_hiding: bool) -> Piece:
    awaited = said.awaited if said.awaited and said.awaited.piece_id == state.piece_id else None
    whole = Face(state.status, state.status_at, said.closed, _awaited(awaited) if awaited else None)
    return Piece(
        id=state.piece_id,
        dossier_id=said.dossier_id,
        cadre=state.cadre,
        number=state.number,
        depositor=Actor(state.depositor.role, state.depositor.structure),
        parties={role: _composed(party) for role, party in said.parties.to_domain().named()},
        whole=whole,
        reported=_reported(said, state, whole, is_hiding=is_hiding),
        follows=state.follows,
        issued_on=state.issued_on,
        deposited_at=state.deposited_at,
        currency=state.currency,
        amounts=state.amounts.to_domain() if state.amounts else None,
        engagement=_text(state.engagement),
        marche=_text(state.marche),
        is_credit_note=is_credit_note(state.type_code),
        prevailing=said.prevailing.to_domain() if said.prevailing else None,
    )


def _composed(party: Party) -> Party:
    return replace(party, service=_text(party.service))


def _text(text: str | None) -> str | None:
    """Compose what older releases told as it was typed; searches ask for composed texts."""
    return text and composed(text)


def _reported(said: DossierChanged, state: PieceStateV1, whole: Face, *, is_hiding: bool) -> Face:
    """Give the face of a dossier that may hide a payment, the same before the payment and after.

    So nothing of what the service financier is awaited for is on it but the status that is seen:
    a delay that ends, or a moment that changes, would tell of the payment.
    """
    if not said.payment_not_reported:
        return whole
    is_hidden = _is_hidden(said, state)
    status = state.status_before_payment if is_hidden else state.status
    status_at = state.reported_at if is_hidden else state.status_at
    awaited = whole.awaited
    if is_hidden or (awaited and awaited.actors[0].role is Role.SERVICE_FINANCIER):
        payer = Actor(Role.SERVICE_FINANCIER, said.parties.service_financier.structure)
        awaited = Awaited((payer,), status_at)
    return Face(status, status_at, said.closed and not is_hiding, awaited)


def _is_hidden(said: DossierChanged, state: PieceStateV1) -> bool:
    return not visible_to(
        Role.TITULAIRE, state.status, payment_not_reported=said.payment_not_reported
    )


def _awaited(said: AwaitedV1) -> Awaited:
    turns: Iterator[Actor] = (Actor(turn.role, turn.structure) for turn in said.others)
    return Awaited(
        actors=(Actor(said.role, said.structure), *turns),
        since=said.since,
        due=said.due,
        held=said.held is not None,
    )
