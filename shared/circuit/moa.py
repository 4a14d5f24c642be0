"""Decision table of the MOA parameter: which structures may be MOA and service financier."""

from dataclasses import dataclass
from enum import StrEnum

from shared.circuit import rules
from shared.circuit.parties import Structure
from shared.vocabulary.roles import MoaParameter
from shared.vocabulary.rules import Rule, Violation


class Relation(StrEnum):
    """Relation between the MOA named and the service financier."""

    SAME = "same"
    OTHER = "other"
    NONE = "none"


class Outcome(StrEnum):
    """Rows of the circuit that an accepted dossier follows: with or without a MOA."""

    WITH_MOA = "with_moa"
    WITHOUT_MOA = "without_moa"


@dataclass(frozen=True, slots=True)
class Case:
    """Row of the decision table: a condition, then an outcome or the rule that refuses."""

    relations: frozenset[Relation]
    moa: frozenset[MoaParameter | None]
    service_financier: frozenset[MoaParameter]
    verdict: Outcome | Rule
    field: str = ""


_AVEC = frozenset({MoaParameter.AVEC})
_SANS = frozenset({MoaParameter.SANS})
_EXCLUSIVEMENT = frozenset({MoaParameter.EXCLUSIVEMENT})
_ANY = frozenset(MoaParameter)
_NO_MOA: frozenset[MoaParameter | None] = frozenset({None})

CASES = (
    Case(frozenset({Relation.SAME}), _AVEC, _AVEC, Outcome.WITH_MOA),
    Case(frozenset({Relation.OTHER}), _AVEC | _EXCLUSIVEMENT, _AVEC | _SANS, Outcome.WITH_MOA),
    Case(frozenset(Relation), _SANS, _ANY, rules.MOA_TAKES_NO_PART, "moa.structure"),
    Case(
        frozenset(Relation),
        _ANY | _NO_MOA,
        _EXCLUSIVEMENT,
        rules.RECEIVES_NO_FINAL_PIECE,
        "service_financier.structure",
    ),
    Case(frozenset({Relation.NONE}), _NO_MOA, _SANS, Outcome.WITHOUT_MOA),
    Case(frozenset({Relation.NONE}), _NO_MOA, _AVEC, rules.MOA_TO_BE_NAMED, "moa"),
)
"""The first match decides (webinar for the MOA, 13:36 to 17:13, 27:19 to 28:46; last row ours)."""


def judge_parties(
    moa: Structure | None, service_financier: Structure, *, require_moa: bool = True
) -> Outcome | Violation:
    """Judge the parties by the decision table; `require_moa=False` disables its last row.

    A MOA that is its own service financier is judged once, as the service financier.
    """
    case = _find(moa, service_financier)
    if isinstance(case.verdict, Outcome):
        return case.verdict
    if case.verdict is rules.MOA_TO_BE_NAMED and not require_moa:
        return Outcome.WITHOUT_MOA
    return case.verdict.broken(
        case.field, moa=moa.id if moa else "", service_financier=service_financier.id
    )


def _find(moa: Structure | None, service_financier: Structure) -> Case:
    if moa is None:
        relation, parameter = Relation.NONE, None
    elif moa.id == service_financier.id:
        relation, parameter = Relation.SAME, service_financier.moa
    else:
        relation, parameter = Relation.OTHER, moa.moa
    return next(
        case
        for case in CASES
        if relation in case.relations
        and parameter in case.moa
        and service_financier.moa in case.service_financier
    )
