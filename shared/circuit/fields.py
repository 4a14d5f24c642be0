"""Required fields: the service code, the engagement or either, and texts that can be shown."""

from datetime import date

from shared.circuit import rules
from shared.circuit.parties import Party, Structure, judge_service
from shared.vocabulary.roles import Role
from shared.vocabulary.rules import Violation
from shared.vocabulary.texts import has_visible_letter, is_showable


def judge_fields(
    role: Role, party: Party, structure: Structure, engagement: str | None, today: date
) -> tuple[Violation, ...]:
    """Check the fields that a recipient requires; return all faults at once.

    "Engagement or service" overrides the other two parameters, as the portal tests it first. A
    service may itself require an engagement. An engagement without a letter or a digit counts as
    missing.
    """
    engagement = engagement if has_visible_letter(engagement or "") else None
    broken = [*_check_required(role, party, structure, engagement)]
    wrong_service = judge_service(role, party, structure, today)
    if wrong_service:
        broken.append(wrong_service)
    elif party.service and not engagement and not any(v.field == "engagement" for v in broken):
        broken += _check_engagement(party.service, structure)
    return tuple(broken)


def judge_showable(
    field: str, label: str, text: str | None, *, lines: bool = False
) -> tuple[Violation, ...]:
    """Check that every character of a text can be shown; `lines` allows several lines."""
    if is_showable(text or "", lines=lines):
        return ()
    return (rules.TEXT_UNREADABLE.build_violation(field, label=label),)


def list_required_fields(structure: Structure) -> frozenset[str]:
    """List what a structure requires by its own parameters, not by those of its services.

    `service`, `engagement`, or `service|engagement` where either is enough.
    """
    if structure.engagement_ou_service:
        return frozenset({"service|engagement"})
    wanted = {
        "service": structure.code_service_obligatoire,
        "engagement": structure.numero_engagement_obligatoire,
    }
    return frozenset(name for name, is_required in wanted.items() if is_required)


def _check_required(
    role: Role, party: Party, structure: Structure, engagement: str | None
) -> list[Violation]:
    required = list_required_fields(structure)
    broken = []
    if "service|engagement" in required and not (party.service or engagement):
        rule = rules.ENGAGEMENT_OR_SERVICE_REQUIRED
        broken.append(rule.build_violation("engagement", structure=structure.id))
    if "service" in required and not party.service:
        rule = rules.SERVICE_REQUIRED
        broken.append(rule.build_violation(f"{role.value}.service", structure=structure.id))
    if "engagement" in required and not engagement:
        broken.append(
            rules.ENGAGEMENT_REQUIRED.build_violation("engagement", structure=structure.id)
        )
    return broken


def _check_engagement(code: str, structure: Structure) -> list[Violation]:
    if not structure.services[code].engagement_obligatoire:
        return []
    rule = rules.ENGAGEMENT_REQUIRED_BY_SERVICE
    return [rule.build_violation("engagement", service=code, structure=structure.id)]
