"""Prevailing amounts of a dossier: which piece states them, and which may state no others.

Both follow from the rows: a piece whose amounts do not prevail, after one whose amounts do, signs
it; and what follows from a silence makes final what was left without an answer.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Protocol

from shared.circuit import rules
from shared.circuit.table import Circuit, Row
from shared.vocabulary.amounts import Amounts
from shared.vocabulary.cadres import Cadre
from shared.vocabulary.codes import INVOICE, is_credit_note
from shared.vocabulary.rules import Rule, Violation
from shared.vocabulary.statuses import Status
from shared.vocabulary.texts import quote_line


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


class Totals(Protocol):
    """The totals of a piece, of which some may not have been read."""

    @property
    def ht(self) -> Decimal | None: ...
    @property
    def tva(self) -> Decimal | None: ...
    @property
    def ttc(self) -> Decimal | None: ...
    @property
    def due(self) -> Decimal | None: ...


@dataclass(frozen=True, slots=True)
class Previous:
    """A piece as the one that carries its amounts reads it."""

    row: Row
    number: str
    amounts: Amounts
    type_code: str | None


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
_LABELS = {
    "ht": "Le montant HT",
    "tva": "Le montant de TVA",
    "ttc": "Le montant TTC",
    "due": "Le montant à payer",
}
_ZERO = Decimal(0)
_CURRENCY_SHOWN = 3


def find_prevailing_amounts(
    circuit: Circuit, steps: Sequence[Step], *, moa: bool
) -> Prevailing | None:
    """Find the amounts that hold among the pieces of a dossier, in the order deposited.

    They are those of the last piece whose row says that its amounts prevail, and may still change
    while that piece may be contested; before there is one, the latest step's hold for now. Once
    signed they are those of the signature, whose amount due leaves out what was paid meanwhile: a
    signature of other amounts, as were taken once, states nothing. None when no step stands.
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
    for later, its in standing:
        if _signs(its, row) and not any(_changed(later.amounts, step.amounts)):
            return Prevailing(later.id, later.amounts, is_settled=True)
    is_closed = not row.followers_if_contested or step.status is Status.ASSOCIEE
    return Prevailing(step.id, step.amounts, is_settled=row.amounts_prevail and is_closed)


def judge_currency(now: str | None, previous: str, rule: Rule) -> Iterator[Violation]:
    """Check that a piece keeps the currency of the one that it follows.

    Args:
        rule: the caller's own, as deposit refuses the piece and routing rejects it.
    """
    if now and now != previous:
        yield rule.broken("currency", now=now[:_CURRENCY_SHOWN], previous=previous)


def carries_amounts(row: Row, previous: Row) -> bool:
    """Tell whether a piece may state no other amounts than the one that it follows."""
    return _signs(row, previous) or row.cadre in previous.tacit_followers


def judge_carried(
    row: Row, now: Totals, type_code: str | None, previous: Previous
) -> Iterator[Violation]:
    """Check that a piece which signs another one, or makes it final, carries its amounts.

    What is due may be less, by what was paid meanwhile.
    """
    if not carries_amounts(row, previous.row):
        return
    is_tacit = row.cadre in previous.row.tacit_followers
    rule = rules.TACIT_AMOUNT_CHANGED if is_tacit else rules.SIGNED_AMOUNT_CHANGED
    for name in _changed(now, previous.amounts):
        yield rule.broken(
            name,
            label=_LABELS[name],
            now=getattr(now, name),
            cadre=row.cadre,
            before=getattr(previous.amounts, name),
            number=previous.number,
        )
    if previous.type_code and is_credit_note(type_code) is not is_credit_note(previous.type_code):
        yield rules.CARRIED_TYPE_CHANGED.broken(
            "type_code",
            now=quote_line(type_code or INVOICE),
            before=previous.type_code,
            number=previous.number,
        )


def _signs(row: Row, previous: Row) -> bool:
    return row.cadre in previous.followers and previous.amounts_prevail and not row.amounts_prevail


def _changed(now: Totals, before: Amounts) -> Iterator[str]:
    """Name the totals that are not those carried; one that is unknown is judged elsewhere."""
    for name in ("ht", "tva", "ttc"):
        value = getattr(now, name)
        if value is not None and value != getattr(before, name):
            yield name
    if now.due is not None and not min(before.due, _ZERO) <= now.due <= max(before.due, _ZERO):
        yield "due"
