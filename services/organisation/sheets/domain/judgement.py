"""Judgement of a sheet: every rule that it breaks, by field."""

from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import date

from services.organisation.sheets.domain import rules
from services.organisation.sheets.domain.labels import ROLE_LABELS
from services.organisation.sheets.domain.sheets import DAYS_LIMIT, Content, list_delays
from services.organisation.structures.domain.structure import Structure
from shared.circuit.sheets import SheetActor, SheetRole
from shared.vocabulary.dates import FIRST_DAY, LAST_DAY
from shared.vocabulary.rules import Violation
from shared.vocabulary.structures import MoaParameter, StructureKind, StructureStatus
from shared.vocabulary.texts import has_visible_letter, quote_line

Directory = Mapping[str, Structure]
"""The structures that a sheet names, by id; those that do not exist are left out."""

_EXCLUSIVE = frozenset(
    {
        SheetRole.TITULAIRE,
        SheetRole.MOE,
        SheetRole.MOA_DELEGUEE,
        SheetRole.SERVICE_FINANCIER,
    }
)
"""Roles that one structure has at a time, for one lot; several may be co- or subcontractors."""
_PUBLIC = frozenset({SheetRole.MOA_DELEGUEE, SheetRole.SERVICE_FINANCIER})


def list_structures(moa: str, content: Content) -> frozenset[str]:
    """List the structures by which a sheet is judged."""
    return frozenset({moa, *(each.structure for each in content.actors)})


def judge(moa: str, content: Content, directory: Directory, today: date) -> tuple[Violation, ...]:
    """List the rules that a sheet breaks.

    Args:
        moa: structure whose marché it is.
        content: what the sheet says.
        directory: structures of `list_structures`.
        today: day in Paris; an actor whose validity is over may be inactive.
    """
    return (
        *_judge_moa(moa, directory),
        *_judge_number(content),
        *_judge_actors(content, directory, today),
        *_judge_contradictions(content),
        *_judge_lots(content),
        *_judge_delays(content),
    )


def _judge_moa(moa: str, directory: Directory) -> Iterator[Violation]:
    found = directory.get(moa)
    is_moa = (
        found is not None
        and found.declared.kind is StructureKind.PUBLIQUE
        and found.declared.status is StructureStatus.ACTIF
        and found.declared.parameters.moa is not MoaParameter.SANS
    )
    if not is_moa:
        yield rules.NOT_MOA.build_violation("structure_id", structure=moa)


def _judge_number(content: Content) -> Iterator[Violation]:
    if not has_visible_letter(content.number):
        yield rules.NUMBER_EMPTY.build_violation("number")


def _judge_actors(content: Content, directory: Directory, today: date) -> Iterator[Violation]:
    lots = {each.code for each in content.lots}
    for rank, actor in enumerate(content.actors):
        path = f"actors.{rank}"
        yield from _judge_structure(path, actor, directory, today)
        if actor.lot is not None and actor.lot not in lots:
            yield rules.LOT_UNKNOWN.build_violation(f"{path}.lot", lot=quote_line(actor.lot))
        start, until = actor.valid_from, actor.valid_until
        if start and until and until < start:
            yield rules.DATES_REVERSED.build_violation(
                f"{path}.valid_until",
                structure=actor.structure,
                start=f"{start:%d/%m/%Y}",
                until=f"{until:%d/%m/%Y}",
            )


def _judge_structure(
    path: str, actor: SheetActor, directory: Directory, today: date
) -> Iterator[Violation]:
    found, named = directory.get(actor.structure), quote_line(actor.structure)
    field = f"{path}.structure"
    if found is None:
        yield rules.ACTOR_UNKNOWN.build_violation(field, structure=named)
        return
    is_over = actor.valid_until is not None and actor.valid_until < today
    if found.declared.status is not StructureStatus.ACTIF and not is_over:
        yield rules.ACTOR_INACTIVE.build_violation(field, structure=named)
    if actor.role in _PUBLIC and found.declared.kind is not StructureKind.PUBLIQUE:
        role = ROLE_LABELS[actor.role]
        yield rules.ACTOR_NOT_PUBLIC.build_violation(field, structure=named, role=role)
    services = {each.code for each in found.declared.services if each.active or is_over}
    if actor.service is not None and actor.service not in services:
        yield rules.SERVICE_UNKNOWN.build_violation(
            f"{path}.service", service=quote_line(actor.service), structure=named
        )


def _judge_contradictions(content: Content) -> Iterator[Violation]:
    """Refuse each actor of an exclusive role that meets one before it, and name the first."""
    before: dict[SheetRole, list[SheetActor]] = {role: [] for role in _EXCLUSIVE}
    for rank, actor in enumerate(content.actors):
        if actor.role not in _EXCLUSIVE:
            continue
        met = next((each for each in before[actor.role] if _do_meet(each, actor)), None)
        before[actor.role].append(actor)
        if met is not None:
            lot = actor.lot if actor.lot is not None else met.lot
            yield rules.CONTRADICTION.build_violation(
                f"actors.{rank}",
                first=quote_line(met.structure),
                second=quote_line(actor.structure),
                role=ROLE_LABELS[actor.role],
                lot="du marché" if lot is None else f"du lot « {quote_line(lot)} »",
            )


def _do_meet(one: SheetActor, other: SheetActor) -> bool:
    """Tell whether two actors act for a lot in common, on a day in common."""
    has_lot = one.lot is None or other.lot is None or one.lot == other.lot
    last_start = max(one.valid_from or FIRST_DAY, other.valid_from or FIRST_DAY)
    first_end = min(one.valid_until or LAST_DAY, other.valid_until or LAST_DAY)
    return has_lot and last_start <= first_end


def _judge_lots(content: Content) -> Iterator[Violation]:
    count = Counter(each.code for each in content.lots)
    for rank, lot in enumerate(content.lots):
        if count[lot.code] > 1:
            yield rules.LOT_TWICE.build_violation(f"lots.{rank}.code", lot=quote_line(lot.code))


def _judge_delays(content: Content) -> Iterator[Violation]:
    known = list_delays()
    for name, days in content.delays.items():
        field = f"delays.{quote_line(name)}"
        if name not in known:
            yield rules.DELAY_UNKNOWN.build_violation(
                field, delay=quote_line(name), allowed=", ".join(known)
            )
        if not 1 <= days <= DAYS_LIMIT:
            yield rules.DELAY_DAYS.build_violation(
                field, days=quote_line(str(days)), limit=DAYS_LIMIT
            )
