"""Decision table of the MOA parameter: which structures may be MOA and service financier."""

from dataclasses import dataclass
from enum import StrEnum

from shared.circuit import rules
from shared.circuit.parties import Obstacle, Structure
from shared.vocabulary.roles import Role
from shared.vocabulary.rules import Rule
from shared.vocabulary.structures import MoaParameter


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
class Refusal:
    """A rule that refuses: by whose parameter, and the field to correct."""

    rule: Rule
    at_fault: Role
    """Role, MOA or service financier, of the structure whose parameter refuses the dossier."""
    field: str


@dataclass(frozen=True, slots=True)
class Case:
    """Row of the decision table: a condition, then an outcome or a refusal."""

    relations: frozenset[Relation]
    moa: frozenset[MoaParameter | None]
    service_financier: frozenset[MoaParameter]
    verdict: Outcome | Refusal


_AVEC = frozenset({MoaParameter.AVEC})
_SANS = frozenset({MoaParameter.SANS})
_EXCLUSIVEMENT = frozenset({MoaParameter.EXCLUSIVEMENT})
_ANY = frozenset(MoaParameter)
_NO_MOA: frozenset[MoaParameter | None] = frozenset({None})

CASES = (
    Case(frozenset({Relation.SAME}), _AVEC, _AVEC, Outcome.WITH_MOA),
    Case(frozenset({Relation.OTHER}), _AVEC | _EXCLUSIVEMENT, _AVEC | _SANS, Outcome.WITH_MOA),
    Case(
        frozenset(Relation),
        _SANS,
        _ANY,
        Refusal(rules.MOA_TAKES_NO_PART, Role.MOA, "moa.structure"),
    ),
    Case(
        frozenset(Relation),
        _ANY | _NO_MOA,
        _EXCLUSIVEMENT,
        Refusal(
            rules.RECEIVES_NO_FINAL_PIECE, Role.SERVICE_FINANCIER, "service_financier.structure"
        ),
    ),
    Case(frozenset({Relation.NONE}), _NO_MOA, _SANS, Outcome.WITHOUT_MOA),
    Case(
        frozenset({Relation.NONE}),
        _NO_MOA,
        _AVEC,
        Refusal(rules.MOA_TO_BE_NAMED, Role.SERVICE_FINANCIER, "moa"),
    ),
)
"""The first case that matches decides (webinar for the MOA, 13:36 to 17:13, 27:19 to 28:46; the
last case is ours)."""


def judge_parties(
    moa: Structure | None, service_financier: Structure, *, require_moa: bool = True
) -> Outcome | Obstacle:
    """Judge the parties by the decision table; `require_moa=False` disables its last row.

    A MOA that is its own service financier is judged once, by its one parameter (Relation.SAME).
    """
    verdict = _find(moa, service_financier).verdict
    if isinstance(verdict, Outcome):
        return verdict
    if verdict.rule is rules.MOA_TO_BE_NAMED and not require_moa:
        return Outcome.WITHOUT_MOA
    at_fault = moa if moa and verdict.at_fault is Role.MOA else service_financier
    violation = verdict.rule.build_violation(
        verdict.field, moa=moa.id if moa else "", service_financier=service_financier.id
    )
    return Obstacle(at_fault.id, violation)


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
