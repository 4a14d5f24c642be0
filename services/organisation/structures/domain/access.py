"""Access to a structure: who may create it, and who may change which of its fields.

A manager keeps what the structure says of itself: address, e-mail, parameters, services, pipes.
Its legal name, kind and status are an operator's (webinar for the MOA, 25:19 to 25:32).
"""

from collections.abc import Iterator

from services.organisation.structures.domain import rules
from services.organisation.structures.domain.structure import Declaration
from shared.rights.catalogue import ORGANISATION
from shared.rights.model import Level, PrincipalKind, Requester
from shared.vocabulary.rules import Violation
from shared.vocabulary.structures import IdentifierType, StructureStatus

_OPERATOR_ONLY = {"name": "raison sociale", "status": "statut"}


def judge_creation(requester: Requester, declared: Declaration) -> tuple[Violation, ...]:
    """List why the caller may not create a structure.

    An operator may create any. Anybody else creates the one whose SIRET the issuer of the token
    attests, of a kind for which this issuer speaks.
    """
    if requester.is_operator:
        return ()
    return tuple(_judge_creation(requester, declared))


def _judge_creation(requester: Requester, declared: Declaration) -> Iterator[Violation]:
    is_proven = (
        requester.kind is PrincipalKind.USER
        and declared.identifier_type is IdentifierType.SIRET
        and requester.siret == declared.identifier
    )
    if not is_proven:
        rule = rules.CREATION_NOT_PROVEN
        yield rule.build_violation("structure_id", structure=declared.structure)
    elif declared.kind not in requester.kinds:
        rule = rules.KIND_NOT_OF_ISSUER
        yield rule.build_violation("kind", kind=declared.kind.value.lower())
    if declared.status is not StructureStatus.ACTIF:
        yield rules.OPERATOR_ONLY.build_violation("status", label=_OPERATOR_ONLY["status"])


def judge_change(
    requester: Requester, before: Declaration, after: Declaration
) -> tuple[Violation, ...]:
    """List why the caller may not change a structure so; an operator may change all of it."""
    if requester.is_operator:
        return ()
    return tuple(_judge_right(requester, before.structure)) or tuple(_judge_fields(before, after))


def _judge_right(requester: Requester, structure: str) -> Iterator[Violation]:
    if requester.structure not in {None, structure}:
        rule = rules.NOT_YOURS
        yield rule.build_violation("X-Structure", caller=requester.structure, structure=structure)
    elif requester.structure is None or not requester.may(ORGANISATION, Level.MODIFICATION):
        yield rules.MODIFICATION_NEEDED.build_violation("X-Structure", structure=structure)


def _judge_fields(before: Declaration, after: Declaration) -> Iterator[Violation]:
    for name, label in _OPERATOR_ONLY.items():
        if getattr(before, name) != getattr(after, name):
            yield rules.OPERATOR_ONLY.build_violation(name, label=label)
    if before.kind is not after.kind:
        yield rules.KIND_FIXED.build_violation("kind", kind=before.kind.value.lower())
