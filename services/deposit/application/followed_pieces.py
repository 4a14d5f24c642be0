"""The piece that a deposit follows, and the state of its dossier."""

from dataclasses import replace

from services.deposit.application.ports import Ports
from services.deposit.domain import rules
from services.deposit.domain.metadata import Follows
from services.deposit.domain.next_pieces import FollowedPiece
from services.deposit.domain.piece import Piece
from services.deposit.domain.proposal import Proposal
from services.deposit.domain.turns import DossierState
from shared.circuit.loader import load_version
from shared.circuit.table import Circuit, Row
from shared.vocabulary.actors import Actor
from shared.vocabulary.ids import has_id_form
from shared.vocabulary.rules import Violation

_SHOWN = 60
_SEVERAL = 2


async def find_followed(
    ports: Ports, proposal: Proposal, circuit: Circuit
) -> FollowedPiece | Violation | None:
    """Find the piece that a proposal follows; None when it opens a dossier.

    Returns a violation when no such piece is found, or several are.
    A piece of a dossier in which the caller takes no part is not found.
    """
    follows = proposal.metadata.follows
    if follows:
        found = await _find_named(ports, follows)
        pieces = [found] if found else []
        wanted = follows.piece_id or follows.number
    elif wanted := proposal.cited_number:
        pieces = await ports.pieces.find_with_number(wanted, proposal.role, proposal.structure)
    else:
        return None
    actor = Actor(proposal.role, proposal.structure, proposal.service)
    mine = [piece for piece in pieces if await is_party(ports, piece, actor)]
    if not follows and proposal.may_open(circuit):
        mine = [] if proposal.metadata.opens else await _choose_preceding(ports, proposal, mine)
        if not mine:
            return None
    if not mine:
        unknown = rules.FOLLOWED_UNKNOWN.build_violation("follows", wanted=str(wanted)[:_SHOWN])
        is_lasting = follows and follows.piece_id and not has_id_form(follows.piece_id)
        return replace(unknown, can_be_early=not is_lasting)
    if len(mine) > 1:
        return rules.FOLLOWED_AMBIGUOUS.build_violation("follows", number=str(wanted)[:_SHOWN])
    return FollowedPiece(mine[0], await find_state(ports, mine[0]))


async def _choose_preceding(ports: Ports, proposal: Proposal, cited: list[Piece]) -> list[Piece]:
    """Choose, among the cited pieces, the one that the circuit puts before this piece.

    A projet de décompte final cites its last instalment as a reference: that is not the piece
    before it. A later rule refuses the deposit when the piece does not await it any more: a second
    answer must not open another dossier, which would be paid as well. Among several pieces with one
    number, those that await this deposit are chosen.
    """
    before = [piece for piece in cited if _may_precede(piece, proposal)]
    if len(before) < _SEVERAL:
        return before
    followings = [FollowedPiece(piece, await find_state(ports, piece)) for piece in before]
    role, structure, cadre = proposal.role, proposal.structure, proposal.fields.cadre
    meant = [
        each.piece
        for each in followings
        if each.state is None or cadre in each.list_cadres(role, structure)
    ]
    return meant or before


def _may_precede(cited: Piece, proposal: Proposal) -> bool:
    circuit = load_circuit(cited)
    row = FollowedPiece(cited, None).find_row(circuit)
    after = {each.cadre for each in circuit.list_every_next(row) if each.depositor is proposal.role}
    return proposal.fields.cadre in after


async def is_party(ports: Ports, piece: Piece, actor: Actor) -> bool:
    """Tell whether an actor takes part in a piece's dossier, by its latest state."""
    state = await ports.dossiers.find(piece.dossier_id)
    parties = state.parties if state else piece.draft.parties
    party = parties.of(actor.role)
    return (
        party is not None
        and party.structure == actor.structure
        and actor.covers_service(party.service)
    )


def find_row(piece: Piece, state: DossierState | None) -> Row:
    """Find the row of the circuit for a piece."""
    return FollowedPiece(piece, state).find_row(load_circuit(piece))


async def find_state(ports: Ports, piece: Piece) -> DossierState | None:
    """Find the state of a piece's dossier; None while routing has not taken all its pieces."""
    state = await ports.dossiers.find(piece.dossier_id)
    deposited = await ports.pieces.list_ids(piece.dossier_id)
    return state if state and deposited <= state.statuses.keys() else None


def load_circuit(piece: Piece) -> Circuit:
    """Load the version of the circuit with which a piece's dossier was opened."""
    return load_version(piece.draft.table_version)


async def _find_named(ports: Ports, follows: Follows) -> Piece | None:
    if follows.piece_id:
        return await ports.pieces.get(follows.piece_id)
    if follows.depositor and follows.number:
        return await ports.pieces.find_by_number(follows.depositor, follows.number)
    return None
