"""Mandates x days x rows of the circuit x mandants: who may deposit, by a table written by hand."""

import itertools
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

import pytest

from services.deposit.domain.file_party import Party as FileParty
from services.deposit.domain.judgement import World, judge
from services.deposit.domain.metadata import Follows, Metadata
from services.deposit.domain.next_pieces import FollowedPiece
from services.deposit.domain.proposal import Proposal
from shared.circuit.loader import load_version
from shared.circuit.mandates import Mandate
from shared.circuit.parties import Party
from shared.vocabulary.roles import SUPPLIER_SIDE, Role
from shared.vocabulary.statuses import Status
from tests.unit.deposit.builders import (
    COTRAITANT,
    MOA,
    NAMES,
    PAYER,
    READ,
    TITULAIRE,
    WORLD,
    a_piece,
    a_state,
    a_turn,
    awaiting,
)
from tests.unit.deposit.settled import MANDANT, MARCHE, SETTLED, a_mandate

CIRCUIT = load_version("2026-3")
TIT, COT, SST, OEUVRE, OUVRAGE, PAYEUR = Role
AVEC, SANS = True, False

FIRST, LAST = date(2026, 11, 10), date(2026, 11, 24)
DAY = timedelta(days=1)
DAYS = (FIRST - DAY, FIRST, date(2026, 11, 17), LAST, LAST + DAY)
"""The day before, the first day, one inside, the last day, the day after."""

WHOLE = a_mandate(valid_from=FIRST, valid_until=LAST)
EARLIER = replace(WHOLE, id="m-1", valid_until=date(2026, 11, 17))
LATER = replace(WHOLE, id="m-2", valid_from=date(2026, 11, 18))
SITUATIONS: dict[str, tuple[Sequence[Mandate], str]] = {
    "none": ((), "01 01 01 01 01"),
    "current": ((WHOLE,), "02 -- -- -- 03"),
    "closed": ((replace(WHOLE, closed_on=date(2026, 11, 12)),), "04 04 04 04 04"),
    "of this marché": ((replace(WHOLE, contracts=frozenset({MARCHE})),), "02 -- -- -- 03"),
    "of other marchés": ((replace(WHOLE, contracts=frozenset({"M-0"})),), "05 05 05 05 05"),
    "of another delegate": ((replace(WHOLE, delegate=COTRAITANT),), "01 01 01 01 01"),
    "of another mandant": ((replace(WHOLE, mandant=COTRAITANT),), "01 01 01 01 01"),
    "two in a row": ((EARLIER, LATER), "02 -- -- -- 03"),
    "two with a gap": (
        (
            replace(EARLIER, valid_until=date(2026, 11, 15)),
            replace(LATER, valid_from=date(2026, 11, 20)),
        ),
        "02 -- 02 -- 03",
    ),
    "closed, then another": (
        (replace(EARLIER, closed_on=date(2026, 11, 12)), LATER),
        "02 02 02 -- 03",
    ),
}
"""Mandates, and the number of the rule CIR-MANDAT that refuses on each of the days."""


@dataclass(frozen=True)
class Place:
    """A row of the circuit: who deposits it, and the piece that it may follow."""

    depositor: Role
    others: tuple[Role, ...] = ()
    """Roles that an opener names beside its depositor, the titulaire and the service financier."""
    after: tuple[str, Status] | None = None
    """Cadre before it, and the status of that piece; None for what only opens a dossier."""
    opens: bool = True


AT_MOE, AT_MOA = Status.A_ASSOCIER_MOE, Status.A_ASSOCIER_MOA
AT_SUPPLIER = Status.A_ASSOCIER_FOURNISSEUR
PLACES = {
    ("A4", AVEC): Place(TIT, (OEUVRE, OUVRAGE)),
    ("A5", AVEC): Place(TIT, (OUVRAGE,)),
    ("A10", AVEC): Place(SST, (OEUVRE, OUVRAGE)),
    ("A13", AVEC): Place(COT, (OEUVRE, OUVRAGE)),
    ("A15", AVEC): Place(OEUVRE, (OUVRAGE,), ("A4", AT_MOE)),
    ("A19", AVEC): Place(OUVRAGE, (), ("A15", AT_MOA)),
    ("A7", AVEC): Place(TIT, (OEUVRE, OUVRAGE)),
    ("A14", AVEC): Place(COT, (OEUVRE, OUVRAGE)),
    ("A17", AVEC): Place(OEUVRE, (OUVRAGE,), ("A7", AT_MOE)),
    ("A20", AVEC): Place(OUVRAGE, (), ("A17", AT_MOA)),
    ("A8", AVEC): Place(TIT, (), ("A20", AT_SUPPLIER), opens=False),
    ("A22", AVEC): Place(TIT, (), ("A7", AT_MOE), opens=False),
    ("A23", AVEC): Place(TIT, (), ("A22", AT_SUPPLIER), opens=False),
    ("A24", AVEC): Place(OEUVRE, (), ("A22", AT_SUPPLIER), opens=False),
    ("A25", AVEC): Place(OUVRAGE, (), ("A22", AT_MOA), opens=False),
    ("A4", SANS): Place(TIT, (OEUVRE,)),
    ("A6", SANS): Place(TIT),
    ("A10", SANS): Place(SST, (OEUVRE,)),
    ("A13", SANS): Place(COT, (OEUVRE,)),
    ("A16", SANS): Place(OEUVRE, (), ("A4", AT_MOE)),
    ("A7", SANS): Place(TIT, (OEUVRE,)),
    ("A14", SANS): Place(COT, (OEUVRE,)),
    ("A18", SANS): Place(OEUVRE, (), ("A7", AT_MOE)),
    ("A8", SANS): Place(TIT, (), ("A18", AT_SUPPLIER), opens=False),
    ("A22", SANS): Place(TIT, (), ("A7", AT_MOE), opens=False),
    ("A23", SANS): Place(TIT, (), ("A22", AT_SUPPLIER), opens=False),
    ("A24", SANS): Place(OEUVRE, (), ("A22", AT_SUPPLIER), opens=False),
    ("A1", AVEC): Place(OUVRAGE),
}
MANDANTS = (None, MOA, MANDANT)
"""No mandant, the MOA itself, and another structure."""
CASES = 10 * 5 * 3 * (19 + 15)
"""Situations x days x mandants x places: 19 openers, 15 pieces that follow."""
REFUSED = 38 * (11 + 3) + 50 * 2 * 8 + 50 * 2
"""The 38 cells of the table that refuse x openers with a MOA and pieces of a MOA that follow; every
opener without a MOA for each mandant; every A1 without one."""


def test_every_row_has_its_place() -> None:
    assert PLACES.keys() == {(row.cadre, row.moa_present) for row in CIRCUIT.rows}


def test_every_deposit_under_every_mandate_on_every_day(
    capsys: pytest.CaptureFixture[str],
) -> None:
    count, refused = 0, 0
    for (name, (mandates, told)), (cadre, moa), mandant in itertools.product(
        SITUATIONS.items(), PLACES, MANDANTS
    ):
        place = PLACES[cadre, moa]
        for day, number in zip(DAYS, told.split(), strict=True):
            world = replace(WORLD, circuit=CIRCUIT, today=day, mandates=(*mandates,))
            kinds = [True] * place.opens + [False] * (place.after is not None)
            for is_opener in kinds:
                count += 1
                expected = _expect(cadre, moa, place.depositor, is_opener, mandant, number)
                judged = _judge(cadre, moa, is_opener, mandant, world)
                assert judged == expected, (name, cadre, moa, is_opener, mandant, day)
                refused += bool(expected)

    assert (count, refused) == (CASES, REFUSED)
    with capsys.disabled():
        sys.stdout.write(f"\n{count} deposits under a mandate or none, {refused} refused\n")


def _expect(
    cadre: str, moa: bool, depositor: Role, is_opener: bool, mandant: str | None, number: str
) -> list[tuple[str, str]]:
    """Say by hand which rule refuses, and on which field."""
    if cadre == "A1" and mandant in (None, MOA):
        return [("DEP-REGUL-03", "mandant")]
    if mandant is None:
        return []
    if not moa:
        # A dossier without a MOA has no mandant: only an opener may state one.
        return [("CIR-MANDAT-07", "mandant")] if is_opener else []
    if mandant == MOA or number == "--":
        return []
    if is_opener or depositor is OUVRAGE:
        return [(f"CIR-MANDAT-{number}", "mandant")]
    return []


def _judge(
    cadre: str, moa: bool, is_opener: bool, mandant: str | None, world: World
) -> list[tuple[str, str]]:
    if is_opener:
        proposal = _open(cadre, moa, mandant, world.today)
        world = replace(world, settled=SETTLED if cadre == "A1" else {})
    else:
        proposal, world = _follow(cadre, moa, mandant, world)
    return [(each.code, each.field) for each in judge(proposal, world).violations]


def _open(cadre: str, moa: bool, mandant: str | None, day: date) -> Proposal:
    place = PLACES[cadre, moa]
    seller = NAMES[place.depositor] if place.depositor in SUPPLIER_SIDE else TITULAIRE
    # The delegate pays under a mandate; the payer of the mandate pays the A1.
    buyer = MOA if moa and mandant == MANDANT else PAYER
    if cadre == "A1":
        seller, buyer = MOA, PAYER
    named = {role: Party(NAMES[role]) for role in place.others}
    if place.depositor in (COT, SST):
        named[TIT] = Party(TITULAIRE)
    return Proposal(
        role=place.depositor,
        structure=NAMES[place.depositor],
        metadata=Metadata(
            parties=named, mandant=mandant, settles=("d-1",) if cadre == "A1" else ()
        ),
        read=replace(
            READ,
            cadre=cadre,
            issued_on=day,
            marche=MARCHE,
            seller=FileParty(siret=seller),
            buyer=FileParty(siret=buyer),
        ),
    )


def _follow(cadre: str, moa: bool, mandant: str | None, world: World) -> tuple[Proposal, World]:
    place = PLACES[cadre, moa]
    assert place.after
    before, status = place.after
    piece = a_piece()
    parties = replace(piece.draft.parties, service_financier=Party(MOA))
    if not moa:
        parties, mandant = replace(piece.draft.parties, moa=None), None
    elif mandant == MOA:
        mandant = None
    draft = replace(
        piece.draft, cadre=before, parties=parties, table_version="2026-3", marche=MARCHE
    )
    piece = replace(piece, draft=draft)
    awaited = awaiting(a_turn(place.depositor, cadre))
    state = replace(a_state(piece, status, awaited), mandant=mandant, marche=MARCHE)
    read = replace(
        READ,
        number="SUITE-1",
        cadre=cadre,
        issued_on=world.today,
        buyer=FileParty(siret=parties.service_financier.structure),
    )
    proposal = Proposal(
        role=place.depositor,
        structure=NAMES[place.depositor],
        metadata=Metadata(follows=Follows(piece_id=piece.id)),
        read=read,
    )
    return proposal, replace(world, following=FollowedPiece(piece, state))


@pytest.mark.parametrize("situation", SITUATIONS)
def test_each_situation_says_what_happens_on_each_day(situation: str) -> None:
    assert len(SITUATIONS[situation][1].split()) == len(DAYS)
