"""Prevailing amounts of a dossier: which piece states them, and which piece must carry them.

Both follow from the rows. A piece whose amounts do not prevail, after one whose amounts do, signs
that one. A tacit follower makes final the piece that was left without an answer.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Protocol

from shared.circuit import rules
from shared.circuit.table import Circuit, Row
from shared.vocabulary.amounts import Amounts, format_amount
from shared.vocabulary.cadres import Cadre
from shared.vocabulary.codes import INVOICE, is_credit_note
from shared.vocabulary.rules import Rule, Violation
from shared.vocabulary.statuses import Status
from shared.vocabulary.texts import quote_line


class Step(Protocol):
    """Attributes of a piece that the rule of prevailing amounts reads."""

    @property
    def id(self) -> str: ...
    @property
    def cadre(self) -> Cadre: ...
    @property
    def amounts(self) -> Amounts: ...
    @property
    def status(self) -> Status: ...


class Totals(Protocol):
    """Totals of a piece; None for a total that could not be read."""

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
    """Piece whose amounts the next one must carry."""

    row: Row
    number: str
    amounts: Amounts
    type_code: str | None


@dataclass(frozen=True, slots=True)
class Prevailing:
    """Prevailing amounts, the piece that states them, and whether they are settled."""

    piece_id: str
    amounts: Amounts
    is_settled: bool


DISCARDED = frozenset(
    {
        Status.REJETEE,
        Status.REFUSEE_1,
        Status.REFUSEE_MOE,
        Status.REFUSEE_MOA,
        Status.REFUSEE_FOURNISSEUR,
    }
)
"""Statuses of a piece whose amounts do not count: it was rejected or refused."""
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
    """Find the prevailing amounts of a dossier, from its pieces in the order deposited.

    They are those of the last piece whose row has `amounts_prevail`, and may still change while
    that piece may be contested. Without such a piece, they are those of the latest one. Once
    signed, they are those of the signature, whose amount due excludes what was paid meanwhile. A
    signature of other amounts, which older releases accepted, is ignored. None when every piece
    was rejected or refused.
    """
    standing = [
        (step, row)
        for step in steps
        if step.status not in DISCARDED and (row := circuit.find_row(step.cadre, moa=moa))
    ]
    if not standing:
        return None
    decisive = [(step, row) for step, row in standing if row.amounts_prevail]
    step, row = (decisive or standing)[-1]
    for later, its in standing:
        if _is_signature(its, row) and not any(_list_changed(later.amounts, step.amounts)):
            return Prevailing(later.id, later.amounts, is_settled=True)
    is_closed = not row.followers_if_contested or step.status is Status.ASSOCIEE
    return Prevailing(step.id, step.amounts, is_settled=row.amounts_prevail and is_closed)


def judge_currency(now: str | None, previous: str, rule: Rule) -> Iterator[Violation]:
    """Check that a piece has the currency of the one that it follows.

    Args:
        rule: the rule of the caller, as deposit refuses the piece and routing rejects it.
    """
    if now and now != previous:
        yield rule.build_violation("currency", now=now[:_CURRENCY_SHOWN], previous=previous)


def must_carry_amounts(row: Row, previous: Row) -> bool:
    """Tell whether a piece must carry the amounts of the one that it follows."""
    return _is_signature(row, previous) or row.cadre in previous.tacit_followers


def judge_carried(
    row: Row, now: Totals, type_code: str | None, previous: Previous
) -> Iterator[Violation]:
    """Check that a piece which signs another one, or makes it final, carries its amounts.

    The amount due may be lower, by what was paid meanwhile.
    """
    if not must_carry_amounts(row, previous.row):
        return
    is_tacit = row.cadre in previous.row.tacit_followers
    rule = rules.TACIT_AMOUNT_CHANGED if is_tacit else rules.SIGNED_AMOUNT_CHANGED
    for name in _list_changed(now, previous.amounts):
        yield rule.build_violation(
            name,
            label=_LABELS[name],
            now=format_amount(getattr(now, name)),
            cadre=row.cadre,
            before=format_amount(getattr(previous.amounts, name)),
            number=previous.number,
        )
    if previous.type_code and is_credit_note(type_code) is not is_credit_note(previous.type_code):
        yield rules.CARRIED_TYPE_CHANGED.build_violation(
            "type_code",
            now=quote_line(type_code or INVOICE),
            before=previous.type_code,
            number=previous.number,
        )


def _is_signature(row: Row, previous: Row) -> bool:
    return row.cadre in previous.followers and previous.amounts_prevail and not row.amounts_prevail


def _list_changed(now: Totals, before: Amounts) -> Iterator[str]:
    """List the totals that differ from those of the previous piece.

    `due` may be any amount between the previous one and zero. A total that could not be read is
    judged elsewhere.
    """
    for name in ("ht", "tva", "ttc"):
        value = getattr(now, name)
        if value is not None and value != getattr(before, name):
            yield name
    if now.due is not None and not min(before.due, _ZERO) <= now.due <= max(before.due, _ZERO):
        yield "due"
