"""Prevailing amounts of a dossier, and how the amounts of a piece differ from them."""

from services.routing.domain.dossier import Dossier, Piece
from shared.circuit.amounts import Prevailing, find_prevailing_amounts
from shared.circuit.loader import load_version
from shared.vocabulary.amounts import Change, find_changes


def find_prevailing(dossier: Dossier) -> Prevailing | None:
    """Find the amounts that prevail in a dossier, and the piece that states them."""
    return find_prevailing_amounts(
        load_version(dossier.table_version), dossier.pieces, moa=dossier.moa_present
    )


def list_changes(dossier: Dossier, piece: Piece) -> tuple[Change, ...]:
    """List the totals of a piece that differ from those of the piece it follows."""
    previous = dossier.find_piece(piece.follows) if piece.follows else None
    return find_changes(previous.amounts, piece.amounts) if previous else ()


def list_differences(dossier: Dossier, piece: Piece) -> tuple[Change, ...]:
    """List the totals of a piece that differ from the prevailing ones."""
    holding = find_prevailing(dossier)
    return find_changes(holding.amounts, piece.amounts) if holding else ()
