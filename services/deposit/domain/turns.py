"""Whose turn it is in a dossier, by the state that routing last told."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from services.deposit.domain import rules
from services.deposit.domain.piece import Piece
from shared.circuit.parties import LABELS, Parties
from shared.circuit.statuses import Act, fitting_acts, is_fitting, transition
from shared.circuit.table import Row
from shared.circuit.visibility import visible_to
from shared.vocabulary.cadres import Cadre
from shared.vocabulary.roles import Role
from shared.vocabulary.rules import Violation
from shared.vocabulary.statuses import Status


@dataclass(frozen=True, slots=True)
class Turn:
    """Somebody who may act, and the cadres that it may deposit."""

    role: Role
    structure: str
    cadres: tuple[Cadre, ...]


@dataclass(frozen=True, slots=True)
class Awaited:
    """Who may act on which piece: the one awaited first, then those who may act in its place."""

    turns: tuple[Turn, ...]
    piece_id: str
    since: datetime
    held: str | None = None
    """Code of the rule that keeps the piece from its recipient."""

    def turn_of(self, role: Role, structure: str) -> Turn | None:
        """Find the turn of a structure in a role."""
        who = (role, structure)
        return next((turn for turn in self.turns if (turn.role, turn.structure) == who), None)


@dataclass(frozen=True, slots=True)
class DossierState:
    """A dossier as routing tells it."""

    id: str
    version: int
    table_version: str
    parties: Parties
    statuses: Mapping[str, Status]
    reported: Mapping[str, Status]
    """Statuses as they were before a payment that is not reported."""
    awaited: Awaited | None = None
    payment_not_reported: bool = False
    reported_awaited: Awaited | None = None
    """Who is still awaited for those from whom the payment is hidden."""

    def as_seen(self, role: Role) -> "DossierState":
        """Give the dossier as far as a role may see it: a refusal must not tell of a payment."""
        hidden = {
            piece_id: self.reported.get(piece_id, Status.MISE_A_DISPOSITION)
            for piece_id, status in self.statuses.items()
            if not visible_to(role, status, payment_not_reported=self.payment_not_reported)
        }
        if not hidden:
            return self
        return replace(self, statuses={**self.statuses, **hidden}, awaited=self.reported_awaited)

    def status_for(self, role: Role, piece_id: str) -> Status:
        """Say where a piece stands, as far as a role may see it."""
        return self.as_seen(role).statuses.get(piece_id, Status.DEPOSEE)


def judge_turn(
    state: DossierState, piece: Piece, row: Row, role: Role, structure: str, act: Act, *, field: str
) -> Turn | Violation:
    """Find the turn in which a structure may do `act` to a piece of a row now.

    What forbids it is told on `field`.
    """
    state = state.as_seen(role)
    awaited = state.awaited
    if awaited is None:
        return rules.DOSSIER_CLOSED.broken(field)
    number = piece.draft.number
    first = awaited.turns[0]
    if awaited.piece_id != piece.id:
        label = LABELS[first.role]
        return rules.PIECE_NOT_AWAITED.broken(field, number=number, awaited=label)
    turn = awaited.turn_of(role, structure)
    if turn is None:
        return rules.ACTOR_NOT_AWAITED.broken(
            field,
            awaited=LABELS[first.role],
            structure=first.structure,
            role=LABELS[role],
            caller=structure,
        )
    if awaited.held:
        return rules.DOSSIER_HELD.broken(field, held=awaited.held)
    status = state.statuses[piece.id]
    if transition(act, role, status) is None or not is_fitting(act, role, row):
        allowed = ", ".join(fitting_acts(role, status, row)) or "aucun"
        return rules.ACT_NOT_POSSIBLE.broken(field, number=number, status=status, allowed=allowed)
    return turn
