"""Mandates and sheets of marchés as organisation publishes them, for tests of their readers."""

from collections.abc import Sequence
from datetime import date, timedelta

from shared.circuit.sheets import SheetField
from shared.contracts.organisation_v1 import LotV1, MandateChanged, SheetActorV1, SheetChanged
from shared.runtime.clock import build_clock
from shared.vocabulary.dates import PARIS

_clock = build_clock()


def find_day(days: int = 0) -> date:
    """Find the day in Paris so many days after today."""
    return _clock().astimezone(PARIS).date() + timedelta(days=days)


def build_mandate(
    mandate: str,
    mandant: str,
    delegate: str,
    *,
    version: int = 1,
    payer: str | None = None,
    valid_from: date | None = None,
    valid_until: date | None = None,
    contracts: Sequence[str] | None = None,
    closed_on: date | None = None,
) -> MandateChanged:
    """Build the event of a mandate: for all marchés, from a year before today to a year after."""
    return MandateChanged(
        mandate=mandate,
        version=version,
        mandant=mandant,
        delegate=delegate,
        payer=payer or mandant,
        valid_from=valid_from or find_day(-365),
        valid_until=valid_until or find_day(365),
        contracts=None if contracts is None else tuple(contracts),
        closed_on=closed_on,
        at=_clock(),
    )


def build_sheet(
    sheet: str,
    moa: str,
    number: str,
    *actors: SheetActorV1,
    version: int = 1,
    lots: Sequence[str] = (),
    delays: dict[str, int] | None = None,
    required: Sequence[SheetField] = (),
    active: bool = True,
) -> SheetChanged:
    """Build the event of the sheet of a marché."""
    return SheetChanged(
        sheet=sheet,
        version=version,
        moa=moa,
        number=number,
        title=f"Marché {number}",
        actors=actors,
        lots=tuple(LotV1(code=code, title=f"Lot {code}") for code in lots),
        delays=delays or {},
        required=tuple(required),
        active=active,
        at=_clock(),
    )
