"""Prefill of an opener from the sheet of its marché: parties, lot, cadres that may open it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date

from shared.circuit.parties import Party
from shared.circuit.sheets import SHEET_ROLES, Sheet, SheetActor, SheetRole
from shared.circuit.table import Circuit, Row
from shared.vocabulary.actors import Actor
from shared.vocabulary.roles import Role


@dataclass(frozen=True, slots=True)
class Opening:
    """What an opener of a marché may start from."""

    sheet: Sheet
    mandant: str | None
    lot: str | None
    actors: tuple[SheetActor, ...]
    """Actors of the lot that are valid today."""
    parties: Mapping[Role, Party]
    """Parties by role: those of whom the sheet leaves no choice."""
    rows: tuple[Row, ...]
    """Rows of the circuit by which the caller may open a dossier."""


def may_read(sheet: Sheet, structure: str, today: date, *, is_moa: bool) -> bool:
    """Tell whether a structure may read a sheet: its own, or one of which it is an actor today.

    `is_moa`: the structure is the MOA of the marché, or its delegate by a mandate that holds today.
    """
    own = (each for each in sheet.actors if each.structure == structure)
    return is_moa or structure == sheet.moa or any(each.is_valid_on(today) for each in own)


def prefill_opening(
    circuit: Circuit,
    sheet: Sheet,
    by: Actor,
    *,
    moa: str,
    mandant: str | None,
    lot: str | None,
    today: date,
) -> Opening:
    """Prefill an opener of a marché for a caller.

    Args:
        circuit: version of the circuit for new dossiers.
        sheet: sheet of the marché.
        by: the caller.
        moa: structure that is the MOA of the dossier: under a mandate, the delegate.
        mandant: structure for which the delegate acts.
        lot: lot of the marché, when one is chosen.
        today: day of the opener, in Paris.
    """
    actors = tuple(each for each in sheet.actors if each.concerns(lot) and each.is_valid_on(today))
    parties = dict(_list_parties(actors, moa, is_delegated=mandant is not None))
    caller = SHEET_ROLES.get(by.role)
    takes_part = (
        by.structure == moa
        if caller is None
        else any((each.role, each.structure) == (caller, by.structure) for each in actors)
    )
    rows = [circuit[cadre, True] for cadre in circuit.list_openers(by.role)] if takes_part else []
    return Opening(
        sheet=sheet,
        mandant=mandant,
        lot=lot,
        actors=actors,
        parties=parties,
        # A facture de régularisation is between a mandant and a delegate, whom no sheet names.
        rows=tuple(row for row in rows if not row.is_settlement),
    )


def _list_parties(
    actors: tuple[SheetActor, ...], moa: str, *, is_delegated: bool
) -> Iterator[tuple[Role, Party]]:
    delegates = {each for each in actors if each.role is SheetRole.MOA_DELEGUEE}
    services = {each.service for each in delegates if each.structure == moa}
    yield Role.MOA, Party(moa, services.pop() if len(services) == 1 else None)
    for role, theirs in SHEET_ROLES.items():
        if role is Role.SERVICE_FINANCIER and is_delegated:
            # The delegate pays by its own service financier.
            yield role, Party(moa)
            continue
        found = {Party(each.structure, each.service) for each in actors if each.role is theirs}
        if len(found) == 1:
            yield role, found.pop()
