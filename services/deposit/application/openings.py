"""Use case that prefills an opener from the sheet of its marché."""

from dataclasses import dataclass

from services.deposit.application.ports import Policy, Ports
from services.deposit.domain.openings import Opening, may_read, prefill_opening
from services.deposit.domain.sheets import judge_lot
from shared.circuit.mandates import judge_mandate
from shared.vocabulary.actors import Actor
from shared.vocabulary.dates import find_paris_day
from shared.vocabulary.rules import Violation


@dataclass(frozen=True, slots=True)
class OpeningWanted:
    """The marché of an opener: its MOA, its number, and the mandant and the lot if any."""

    moa: str
    marche: str
    mandant: str | None = None
    lot: str | None = None


class Openings:
    """Prefills openers for those who take part in a marché, and for nobody else."""

    def __init__(self, ports: Ports, policy: Policy) -> None:
        """Use these ports and this policy."""
        self._ports = ports
        self._policy = policy

    async def prefill(self, wanted: OpeningWanted, by: Actor) -> Opening | Violation | None:
        """Prefill an opener; None when there is no sheet, or the caller may not read it."""
        ports, today = self._ports, find_paris_day(self._ports.clock())
        mandant = None if wanted.mandant == wanted.moa else wanted.mandant
        sheet = await ports.sheets.find(mandant or wanted.moa, wanted.marche)
        if sheet is None or not sheet.active:
            return None
        mandates = await ports.mandates.find([mandant]) if mandant else ()
        found = (
            judge_mandate(mandates, mandant, wanted.moa, wanted.marche, today) if mandant else None
        )
        is_moa = by.structure == wanted.moa and not isinstance(found, Violation)
        if not may_read(sheet, by.structure, today, is_moa=is_moa):
            return None
        if unknown := judge_lot(wanted.lot, sheet):
            return unknown
        return prefill_opening(
            self._policy.circuit,
            sheet,
            by,
            moa=wanted.moa,
            mandant=mandant,
            lot=wanted.lot,
            today=today,
        )
