"""Conversion of the state of a dossier to pieces, each with the state that each side sees."""

from collections.abc import Iterator
from dataclasses import replace

from services.portal.domain.piece import Awaited, Piece, PieceState
from shared.circuit.loader import load_version
from shared.circuit.parties import Party
from shared.circuit.reception import find_receivers
from shared.circuit.visibility import is_visible_to
from shared.contracts.routing_v1 import AwaitedV1, DossierChanged, PieceStateV1
from shared.vocabulary.actors import Actor
from shared.vocabulary.codes import is_credit_note
from shared.vocabulary.roles import Role
from shared.vocabulary.texts import normalise_nfc


def read_pieces(published: DossierChanged) -> tuple[Piece, ...]:
    """Convert the state of a dossier to pieces. Raises CircuitError for an unknown circuit."""
    is_hiding = any(_is_hidden(published, piece) for piece in published.pieces)
    return tuple(_read_piece(published, piece, is_hiding=is_hiding) for piece in published.pieces)


def _read_piece(published: DossierChanged, state: PieceStateV1, *, is_hiding: bool) -> Piece:
    awaited = published.awaited
    if awaited and awaited.piece_id != state.piece_id:
        awaited = None
    whole = PieceState(
        state.status, state.status_at, published.closed, _read_awaited(awaited) if awaited else None
    )
    prevailing = published.prevailing
    return Piece(
        id=state.piece_id,
        dossier_id=published.dossier_id,
        cadre=state.cadre,
        number=state.number,
        depositor=Actor(state.depositor.role, state.depositor.structure),
        parties={
            role: _compose_service(party)
            for role, party in published.parties.to_domain().list_named()
        },
        whole=whole,
        reported=_read_reported(published, state, whole, is_hiding=is_hiding),
        follows=state.follows,
        issued_on=state.issued_on,
        deposited_at=state.deposited_at,
        currency=state.currency,
        amounts=state.amounts.to_domain() if state.amounts else None,
        engagement=_compose(state.engagement),
        marche=_compose(state.marche),
        is_credit_note=is_credit_note(state.type_code),
        prevailing=prevailing.to_domain() if prevailing else None,
        received_in=find_receivers(
            load_version(published.table_version),
            published.pieces,
            state,
            moa=published.parties.moa is not None,
        ),
        mandant=published.mandant,
        settles=state.settles,
        is_prevailing_credit_note=is_credit_note(
            (prevailing and prevailing.type_code) or state.type_code
        ),
    )


def _compose_service(party: Party) -> Party:
    return replace(party, service=_compose(party.service))


def _compose(text: str | None) -> str | None:
    """Normalise a text to NFC, as searches do: older releases published it as it was typed."""
    return text and normalise_nfc(text)


def _read_reported(
    published: DossierChanged, state: PieceStateV1, whole: PieceState, *, is_hiding: bool
) -> PieceState:
    """Read the state that the supplier's side sees, which a hidden payment must not change.

    When the service financier is awaited, it has a status only: a delay that ends, or a moment that
    changes, would reveal the payment.
    """
    if not published.payment_not_reported:
        return whole
    is_hidden = _is_hidden(published, state)
    status = state.status_before_payment if is_hidden else state.status
    status_at = state.reported_at if is_hidden else state.status_at
    awaited = whole.awaited
    if is_hidden or (awaited and awaited.actors[0].role is Role.SERVICE_FINANCIER):
        payer = Actor(Role.SERVICE_FINANCIER, published.parties.service_financier.structure)
        awaited = Awaited((payer,), status_at)
    return PieceState(status, status_at, published.closed and not is_hiding, awaited)


def _is_hidden(published: DossierChanged, state: PieceStateV1) -> bool:
    return not is_visible_to(
        Role.TITULAIRE, state.status, payment_not_reported=published.payment_not_reported
    )


def _read_awaited(published: AwaitedV1) -> Awaited:
    turns: Iterator[Actor] = (Actor(turn.role, turn.structure) for turn in published.others)
    return Awaited(
        actors=(Actor(published.role, published.structure), *turns),
        since=published.since,
        due=published.due,
        held=published.held is not None,
    )
