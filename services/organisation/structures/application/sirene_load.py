"""Load of SIRENE: keeps what it says of establishments, and lets their structures follow."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice

from services.organisation.structures.application.declarations import Declarations
from services.organisation.structures.application.ports import Change, Establishments, Structures
from services.organisation.structures.domain.establishment import Establishment, follow
from services.organisation.structures.domain.structure import Structure
from shared.vocabulary.structures import StructureStatus

BATCH = 1000
"""Establishments that are read from the store and written together."""
NAMED = 100
"""Limit of the lines and structures that a report names; the others are counted."""


@dataclass(frozen=True, slots=True)
class BadLine:
    """A line of the file that cannot be used."""

    number: int
    reason: str


Line = Establishment | BadLine


@dataclass(slots=True)
class NamedCount:
    """Count of structures that names the first of them."""

    count: int = 0
    names: list[str] = field(default_factory=list)

    def add(self, name: str) -> None:
        """Count a structure, and name it up to the limit."""
        self.count += 1
        if len(self.names) < NAMED:
            self.names.append(name)


@dataclass(slots=True)
class LoadReport:
    """Report of a load: counts, and names up to a limit."""

    lines: int = 0
    new: int = 0
    changed: int = 0
    closed: int = 0
    """Establishments of the file that are closed."""
    updated: int = 0
    """Structures that took over what SIRENE says."""
    deactivated: NamedCount = field(default_factory=NamedCount)
    reopened: NamedCount = field(default_factory=NamedCount)
    """Inactive structures whose establishment is open again: an operator decides."""
    bad: Counter[str] = field(default_factory=Counter)
    """Lines that cannot be used, by reason."""
    named: list[BadLine] = field(default_factory=list)

    def note_bad(self, line: BadLine) -> None:
        """Count a line that cannot be used, and name it up to the limit."""
        self.bad[line.reason] += 1
        if len(self.named) < NAMED:
            self.named.append(line)


class SireneLoad:
    """Use case of an operator: loads a file of establishments, batch by batch."""

    def __init__(
        self,
        structures: Structures,
        establishments: Establishments,
        declarations: Declarations,
        by: str,
    ) -> None:
        """Use these ports; the audit trail names `by` as who acted."""
        self._structures = structures
        self._establishments = establishments
        self._declarations = declarations
        self._by = by

    async def load(
        self, lines: Iterable[Line], *, dry_run: bool, tell: Callable[[LoadReport], None]
    ) -> LoadReport:
        """Load the lines of a file; `dry_run` writes nothing. `tell` is called after each batch.

        Structures follow before their establishments are written: a load that was interrupted is
        done again from its start, and then does the rest.
        """
        report = LoadReport()
        for batch in _batch(lines):
            found = [each for each in batch if isinstance(each, Establishment)]
            for each in batch:
                if isinstance(each, BadLine):
                    report.note_bad(each)
            report.lines += len(batch)
            report.closed += sum(each.is_closed for each in found)
            await self._load_batch(found, report, dry_run=dry_run)
            tell(report)
        return report

    async def _load_batch(
        self, found: Sequence[Establishment], report: LoadReport, *, dry_run: bool
    ) -> None:
        now = {each.siret: each for each in found}
        known = await self._establishments.find_known(now.keys())
        news = [each for each in now.values() if known.get(each.siret) != each]
        report.new += sum(each.siret not in known for each in news)
        report.changed += sum(each.siret in known for each in news)
        for structure in await self._structures.find_existing([each.siret for each in news]):
            before, after = known.get(structure.id), now[structure.id]
            _note_structure(report, structure, before, after)
            if not dry_run:
                await self._follow(structure.id, before, after)
        if news and not dry_run:
            await self._establishments.save(news)

    async def _follow(
        self, structure: str, before: Establishment | None, now: Establishment
    ) -> None:
        async def work(change: Change) -> None:
            current = await change.load(structure)
            if current is None:
                return
            followed = follow(current.declared, before, now)
            if followed != current.declared:
                await self._declarations.save(change, followed, current, self._by)

        await self._structures.change(work)


def _note_structure(
    report: LoadReport, structure: Structure, before: Establishment | None, now: Establishment
) -> None:
    followed = follow(structure.declared, before, now)
    if followed != structure.declared:
        report.updated += 1
    was_active = structure.declared.status is StructureStatus.ACTIF
    if was_active and followed.status is StructureStatus.INACTIF:
        report.deactivated.add(structure.id)
    if not was_active and before and before.is_closed and not now.is_closed:
        report.reopened.add(structure.id)


def _batch(lines: Iterable[Line]) -> Iterator[Sequence[Line]]:
    rest = iter(lines)
    while batch := list(islice(rest, BATCH)):
        yield batch
