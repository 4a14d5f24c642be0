"""Which step's amounts hold in a dossier, and whether they may still change."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from shared.circuit.table import Circuit
from shared.vocabulary.amounts import Amounts
from shared.vocabulary.cadres import Cadre
from shared.vocabulary.statuses import Status


class Step(Protocol):
    """What the rule reads of a piece."""

    @property
    def id(self) -> str: ...
    @property
    def cadre(self) -> Cadre: ...
    @property
    def amounts(self) -> Amounts: ...
    @property
    def status(self) -> Status: ...


@dataclass(frozen=True, slots=True)
class Prevailing:
    """The amounts that hold, the piece that states them, and whether they are settled."""

    piece_id: str
    amounts: Amounts
    is_settled: bool


_OUT = frozenset(
    {
        Status.REJETEE,
        Status.REFUSEE_1,
        Status.REFUSEE_MOE,
        Status.REFUSEE_MOA,
        Status.REFUSEE_FOURNISSEUR,
    }
)


def prevailing(circuit: Circuit, steps: Sequence[Step], *, moa: bool) -> Prevailing | None:
    """Find the amounts that hold among the pieces of a dossier, in the order deposited.

    They are those of the last piece whose row says that its amounts prevail, and may still change
    while that piece may be contested; before there is one, the latest step's hold for now. None
    when no step stands.
    """
    standing = [
        (step, row)
        for step in steps
        if step.status not in _OUT and (row := circuit.row(step.cadre, moa=moa))
    ]
    if not standing:
        return None
    decisive = [(step, row) for step, row in standing if row.amounts_prevail]
    step, row = (decisive or standing)[-1]
    is_closed = not row.followers_if_contested or step.status is Status.ASSOCIEE
    return Prevailing(step.id, step.amounts, is_settled=row.amounts_prevail and is_closed)
