"""Habilitations of an attachment: defaults, what a list may hold, what a request adds."""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace

from services.organisation.accounts.domain import rules
from services.organisation.accounts.domain.accounts import HABILITATIONS_LIMIT
from shared.rights.catalogue import (
    ORGANISATION,
    find_application,
    has_services,
    list_applications,
)
from shared.rights.model import Habilitation, Level, ManagerRole
from shared.vocabulary.rules import Violation

Habilitations = tuple[Habilitation, ...]


def build_defaults(manager: ManagerRole | None) -> Habilitations:
    """Build the habilitations of an attachment for which none were chosen.

    Source: webinar for the MOA, 31:32: managers have every application in modification, users in
    consultation.
    """
    wanted = Level.CONSULTATION if manager is None else Level.MODIFICATION
    return sort_habilitations(
        Habilitation(each.code, wanted if wanted in each.levels else each.levels[-1])
        for each in list_applications()
    )


def sort_habilitations(habilitations: Iterable[Habilitation]) -> Habilitations:
    """Sort habilitations, so that their order makes no difference."""
    return tuple(sorted(habilitations, key=lambda each: (each.application, each.service or "")))


def judge_habilitations(
    habilitations: Habilitations, services: Collection[str], field: str = "habilitations"
) -> Iterator[Violation]:
    """Judge a list of habilitations; `services` are the codes of those of the structure."""
    if len(habilitations) > HABILITATIONS_LIMIT:
        yield rules.TOO_MANY_HABILITATIONS.build_violation(
            field, count=len(habilitations), limit=HABILITATIONS_LIMIT
        )
        return
    seen: set[tuple[str, str | None]] = set()
    for rank, each in enumerate(habilitations):
        place = f"{field}.{rank}"
        application = find_application(each.application)
        if application is None or each.level not in application.levels:
            yield rules.APPLICATION_UNKNOWN.build_violation(
                f"{place}.application", application=each.application, level=each.level
            )
        elif each.service is not None and not has_services(each.application):
            yield rules.APPLICATION_HAS_NO_SERVICE.build_violation(
                f"{place}.service", application=application.label
            )
        elif each.service is not None and each.service not in services:
            yield rules.SERVICE_UNKNOWN.build_violation(f"{place}.service", service=each.service)
        if (each.application, each.service) in seen:
            yield rules.HABILITATION_TWICE.build_violation(place, application=each.application)
        seen.add((each.application, each.service))


def find_additions(wanted: Habilitations, held: Habilitations) -> Habilitations:
    """Find which of the wanted habilitations add to those that are held."""
    return tuple(each for each in wanted if not _is_held(each, held))


def add_habilitations(held: Habilitations, wanted: Habilitations) -> Habilitations:
    """Add habilitations; none that is held goes down to a lower level."""
    levels = {(each.application, each.service): each.level for each in held}
    for each in wanted:
        known = levels.get((each.application, each.service))
        if known is None or not known.covers(each.level):
            levels[each.application, each.service] = each.level
    return sort_habilitations(
        Habilitation(application, level, service)
        for (application, service), level in levels.items()
    )


def become_manager(held: Habilitations) -> Habilitations:
    """Give a user who becomes a manager every application in modification."""
    return add_habilitations(held, build_defaults(ManagerRole.SECONDAIRE))


def cease_to_manage(held: Habilitations) -> Habilitations:
    """Take from a manager who is one no more what decides for the structure, and nothing else."""
    return tuple(
        replace(each, level=Level.CONSULTATION) if each.application == ORGANISATION else each
        for each in held
    )


def keeps_organisation(habilitations: Habilitations) -> bool:
    """Tell whether a list leaves its holder able to decide for the structure."""
    return _is_held(Habilitation(ORGANISATION, Level.MODIFICATION), habilitations)


def _is_held(wanted: Habilitation, held: Habilitations) -> bool:
    return any(
        each.application == wanted.application
        and each.service in (None, wanted.service)
        and each.level.covers(wanted.level)
        for each in held
    )
