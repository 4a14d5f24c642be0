"""Use cases of sheets: create, replace, withdraw."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime

from services.organisation.accounts.domain.rules import KEY_REUSED
from services.organisation.audit.application.acts import Act, Precondition
from services.organisation.audit.domain.entries import AuditEntry, Detail
from services.organisation.sheets.application.messages import build_state
from services.organisation.sheets.application.ports import SheetChange, Sheets
from services.organisation.sheets.domain import rules
from services.organisation.sheets.domain.judgement import judge, list_structures
from services.organisation.sheets.domain.sheets import Content, SheetVersion, list_changes
from shared.application.idempotency import build_key, serialize_request
from shared.vocabulary.dates import find_paris_day
from shared.vocabulary.piece_numbers import build_number_key
from shared.vocabulary.rules import Violation


@dataclass(frozen=True, slots=True)
class Done:
    """It is done, or was already so: the sheet as it is now."""

    sheet: SheetVersion
    is_replay: bool = False


@dataclass(frozen=True, slots=True)
class Refused:
    """Rules refuse it; the code of the first one decides the HTTP status."""

    violations: tuple[Violation, ...]


@dataclass(frozen=True, slots=True)
class Missing:
    """There is no such sheet of this structure (404)."""


Outcome = Done | Refused | Missing


class SheetRegistry:
    """Use cases of the sheets of a structure."""

    def __init__(
        self, sheets: Sheets, clock: Callable[[], datetime], new_id: Callable[[], str]
    ) -> None:
        """Use these ports."""
        self._sheets = sheets
        self._clock = clock
        self._new_id = new_id

    async def create(self, act: Act, content: Content) -> Outcome:
        """Create the sheet of a marché that has none."""
        owner = f"fiches|{act.user}|{act.structure}"
        key = await build_key(owner, act.key, serialize_request("create", content), ())

        async def work(change: SheetChange) -> Outcome:
            if used := await change.find_key_use(key):
                if not used.is_of(key):
                    return Refused((KEY_REUSED.build_violation("Idempotency-Key"),))
                sheet = await change.load(used.subject)
                return Done(sheet, is_replay=True) if sheet else Missing()
            if broken := await self._judge(change, act.structure, content):
                return Refused(broken)
            if known := await change.find_by_number(act.structure, content.number):
                return Refused((_build_taken(known),))
            sheet = SheetVersion(self._new_id(), 1, act.structure, content, self._clock())
            await self._keep(change, sheet, act, "fiche.creee", champs=list_changes(None, content))
            await change.record_key_use(key, sheet.id)
            return Done(sheet)

        return await self._sheets.change(work)

    async def replace(
        self, act: Act, sheet_id: str, content: Content, precondition: Precondition
    ) -> Outcome:
        """Replace the whole of a sheet; one that is withdrawn is in use again."""

        async def work(change: SheetChange, current: SheetVersion) -> Outcome:
            if current.content == content and current.is_active:
                return Done(current)
            if not precondition(current.version):
                return Refused((rules.STALE.build_violation("If-Match", sheet=current.id),))
            number = current.content.number
            if build_number_key(content.number) != build_number_key(number):
                return Refused((rules.NUMBER_FIXED.build_violation("number", number=number),))
            if broken := await self._judge(change, act.structure, content):
                return Refused(broken)
            sheet = current.replace_content(content, self._clock())
            changed = list_changes(current.content, content)
            await self._keep(change, sheet, act, "fiche.remplacee", champs=changed)
            return Done(sheet)

        return await self._change(act, sheet_id, work)

    async def withdraw(self, act: Act, sheet_id: str, precondition: Precondition) -> Outcome:
        """Withdraw a sheet: it checks nothing any more, and its versions are kept."""

        async def work(change: SheetChange, current: SheetVersion) -> Outcome:
            if not current.is_active:
                return Done(current)
            if not precondition(current.version):
                return Refused((rules.STALE.build_violation("If-Match", sheet=current.id),))
            sheet = current.withdraw(self._clock())
            await self._keep(change, sheet, act, "fiche.retiree")
            return Done(sheet)

        return await self._change(act, sheet_id, work)

    async def _change(
        self,
        act: Act,
        sheet_id: str,
        work: Callable[[SheetChange, SheetVersion], Awaitable[Outcome]],
    ) -> Outcome:
        """Run `work` on a sheet of the structure, in a transaction."""

        async def attempt(change: SheetChange) -> Outcome:
            current = await change.load(sheet_id)
            if current is None or current.moa != act.structure:
                return Missing()
            return await work(change, current)

        return await self._sheets.change(attempt)

    async def _judge(
        self, change: SheetChange, moa: str, content: Content
    ) -> tuple[Violation, ...]:
        directory = await change.find_structures(list_structures(moa, content))
        return judge(moa, content, directory, find_paris_day(self._clock()))

    async def _keep(
        self, change: SheetChange, sheet: SheetVersion, act: Act, what: str, **details: Detail
    ) -> None:
        """Save a version, publish it, and tell it in the trail of its structure."""
        await change.save(sheet)
        change.publish(build_state(sheet, self._new_id()))
        about = {"fiche": sheet.id, "version": sheet.version, **details}
        await change.record([AuditEntry(sheet.moa, what, act.user, sheet.at, about)])


def _build_taken(known: SheetVersion) -> Violation:
    return rules.NUMBER_TAKEN.build_violation(
        "number", structure=known.moa, number=known.content.number, sheet=known.id
    )
