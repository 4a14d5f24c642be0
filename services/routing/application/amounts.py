"""The amounts of a dossier: which hold, and where a piece states others."""

from services.routing.domain.dossier import Dossier, Piece
from shared.circuit.amounts import Prevailing, prevailing
from shared.circuit.loader import version
from shared.vocabulary.amounts import Change, changes


def amounts_that_hold(dossier: Dossier) -> Prevailing | None:
    """Say whose amounts prevail."""
    return prevailing(version(dossier.table_version), dossier.pieces, moa=dossier.moa_present)


def changes_of(dossier: Dossier, piece: Piece) -> tuple[Change, ...]:
    """List the totals that a piece states otherwise than the piece it follows."""
    previous = dossier.piece(piece.follows) if piece.follows else None
    return changes(previous.amounts, piece.amounts) if previous else ()


def differences_of(dossier: Dossier, piece: Piece) -> tuple[Change, ...]:
    """List the totals that a piece states otherwise than what prevails."""
    holding = amounts_that_hold(dossier)
    return changes(holding.amounts, piece.amounts) if holding else ()
