"""Reception of a piece: the roles that have received it, by its row and its status."""

from collections.abc import Sequence
from typing import Protocol

from shared.circuit.statuses import VALIDATED
from shared.circuit.table import Circuit, Row
from shared.vocabulary.cadres import Cadre
from shared.vocabulary.roles import Role
from shared.vocabulary.statuses import Status


class Step(Protocol):
    """Attributes of a piece that the rule of reception reads."""

    @property
    def piece_id(self) -> str: ...
    @property
    def cadre(self) -> Cadre: ...
    @property
    def status(self) -> Status: ...
    @property
    def follows(self) -> str | None: ...


_BEFORE_RECIPIENT = VALIDATED | {
    Status.A_VALIDER_1,
    Status.REFUSEE_1,
    Status.EN_COURS_ACHEMINEMENT,
}
"""Statuses of a piece that has reached its validator, if its row has one, and nobody else.

A recycled piece that is held back is one: its recipient may be another one than before.
"""


def find_receivers(
    circuit: Circuit, pieces: Sequence[Step], piece: Step, *, moa: bool
) -> frozenset[Role]:
    """Find the roles that have received a piece: to validate it, to act on it or for information.

    A piece that is held back since its deposit, or that was rejected at its deposit, has reached
    nobody. A depositor to whom its own piece comes back has not received it.

    Args:
        pieces: all pieces of the dossier, in the order of their deposit.
    """
    row = circuit.find_row(piece.cadre, moa=moa)
    if row is None or piece.status is Status.DEPOSEE or _was_never_sent(pieces, piece, row):
        return frozenset()
    validators = frozenset({row.validator} if row.validator else ())
    if piece.status in _BEFORE_RECIPIENT:
        return validators
    return validators | {row.recipient, *row.informed}


def _was_never_sent(pieces: Sequence[Step], piece: Step, row: Row) -> bool:
    """Tell whether a rejected piece was rejected at its deposit, and not by the service financier.

    Only one of the pieces that follow the same piece was sent: one that is not rejected, or the
    first.
    """
    if piece.status is not Status.REJETEE or not row.is_final:
        return piece.status is Status.REJETEE
    if piece.follows is None:
        return False
    previous = next((each for each in pieces if each.piece_id == piece.follows), None)
    if previous and previous.status is not Status.ASSOCIEE:
        return True
    rivals = [each for each in pieces if each.follows == piece.follows]
    sent = next((each for each in rivals if each.status is not Status.REJETEE), rivals[0])
    return sent.piece_id != piece.piece_id
