"""Finding the piece that is followed, and where its dossier stands."""

from services.deposit.application.ports import Ports
from services.deposit.domain import rules
from services.deposit.domain.following import Following
from services.deposit.domain.piece import Piece
from services.deposit.domain.proposal import Proposal
from services.deposit.domain.said import Follows
from services.deposit.domain.turns import DossierState
from shared.circuit.loader import current, version
from shared.circuit.table import Circuit
from shared.vocabulary.rules import Violation

_SHOWN = 60


async def find_followed(ports: Ports, proposal: Proposal) -> Following | Violation | None:
    """Find what a proposal follows; None when it follows nothing.

    A piece of a dossier in which the caller takes no part is answered as no piece at all.
    """
    follows = proposal.said.follows
    number = None if follows else proposal.cited_number(current())
    if follows:
        found = await _found(ports, follows)
        pieces = [found] if found else []
    elif number:
        pieces = await ports.pieces.with_number(number, proposal.role, proposal.structure)
    else:
        return None
    wanted = follows.piece_id or follows.number if follows else number
    mine = [piece for piece in pieces if piece.has_party(proposal.role, proposal.structure)]
    if not mine:
        return rules.FOLLOWED_UNKNOWN.broken("follows", wanted=str(wanted)[:_SHOWN])
    if len(mine) > 1:
        return rules.FOLLOWED_AMBIGUOUS.broken("follows", number=str(wanted)[:_SHOWN])
    return Following(mine[0], await state_of(ports, mine[0]))


async def state_of(ports: Ports, piece: Piece) -> DossierState | None:
    """Give where a piece's dossier stands; None while routing has not taken all its pieces."""
    state = await ports.dossiers.find(piece.dossier_id)
    deposited = await ports.pieces.ids_of(piece.dossier_id)
    return state if state and deposited <= state.statuses.keys() else None


def circuit_of(piece: Piece) -> Circuit:
    """Give the table by which a piece's dossier travels."""
    return version(piece.draft.table_version)


async def _found(ports: Ports, follows: Follows) -> Piece | None:
    if follows.piece_id:
        return await ports.pieces.get(follows.piece_id)
    if follows.depositor and follows.number:
        return await ports.pieces.by_number(follows.depositor, follows.number)
    return None
