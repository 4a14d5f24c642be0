"""Turns in a dossier, by the state that routing last published: who may act now."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from services.deposit.domain.piece import Piece
from shared.circuit import turns
from shared.circuit.amounts import Prevailing
from shared.circuit.loader import load_version
from shared.circuit.parties import Parties
from shared.circuit.statuses import Act
from shared.circuit.table import Row
from shared.circuit.turns import Awaited, CurrentPiece, Turn, judge_act, mark_early
from shared.circuit.visibility import is_visible_to
from shared.vocabulary.roles import Role
from shared.vocabulary.rules import Violation
from shared.vocabulary.statuses import Status


@dataclass(frozen=True, slots=True)
class DossierState:
    """State of a dossier as routing published it."""

    id: str
    version: int
    table_version: str
    parties: Parties
    statuses: Mapping[str, Status]
    reported: Mapping[str, Status]
    """Status before a payment, by piece, for the roles from which the payment is hidden."""
    engagements: Mapping[str, str | None] = field(default_factory=dict)
    """Engagements by piece, as the last recycling left them."""
    awaited: Awaited | None = None
    payment_not_reported: bool = False
    reported_awaited: Awaited | None = None
    """Who is awaited, as shown to the roles from which the payment is hidden."""
    prevailing: Prevailing | None = None
    """Prevailing amounts."""
    mandant: str | None = None
    """Structure for which the MOA acts under a mandate.

    None in a row that a release before level 2 has stored, rightly: no dossier had a mandant then.
    """
    marche: str | None = None
    """Number of the marché, by the first piece that states one; None in such a row as well.

    It is read only in a dossier under a mandate, so the projection needs no rebuild.
    """
    level: int = 1
    """Level of the event that published it. It may be above the write level."""

    def as_seen(self, role: Role) -> "DossierState":
        """Return the state that a role may see: a refusal must not reveal a hidden payment."""
        hidden = {
            piece_id: self.reported[piece_id]
            for piece_id, status in self.statuses.items()
            if not is_visible_to(role, status, payment_not_reported=self.payment_not_reported)
        }
        if not hidden:
            return self
        return replace(self, statuses={**self.statuses, **hidden}, awaited=self.reported_awaited)

    def find_visible_status(self, role: Role, piece_id: str) -> Status:
        """Return the status of a piece that a role may see."""
        return self.as_seen(role).find_status(piece_id)

    def find_status(self, piece_id: str) -> Status:
        """Return the status of a piece: DEPOSEE while routing has not published one."""
        return self.statuses.get(piece_id, Status.DEPOSEE)


def judge_turn(
    state: DossierState,
    piece: Piece,
    row: Row,
    role: Role,
    structure: str,
    act: Act,
    level: int,
    *,
    field: str,
) -> Turn | Violation:
    """Find the turn in which a structure may do `act` now, or the violation on `field`.

    `level` is the write level: acts above it are refused, unless the state has a higher level.
    """
    seen = state.as_seen(role)
    current = CurrentPiece(piece.id, piece.draft.number, seen.find_status(piece.id))
    level = max(level, state.level)
    turn = turns.judge_turn(seen.awaited, current, role, structure)
    found = turn if isinstance(turn, Violation) else judge_act(current, row, act, role, level)
    if isinstance(found, Violation):
        circuit = load_version(piece.draft.table_version)
        return replace(mark_early(found, circuit, row, act, role, level), field=field)
    return turn
