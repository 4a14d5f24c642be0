"""Which piece a proposal follows, and who takes part in its dossier, by what routing last told."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, cast

import pytest

from services.deposit.application.consultations import Consultations, Prefill
from services.deposit.application.deposits import Deposits, Submission
from services.deposit.application.followed_pieces import find_followed, is_party
from services.deposit.application.ports import Depositor, Policy, Ports
from services.deposit.domain.invoice import Invoice
from services.deposit.domain.next_pieces import FollowedPiece
from services.deposit.domain.piece import Piece
from services.deposit.domain.proposal import Proposal
from services.deposit.domain.turns import DossierState
from shared.application.idempotency import Key, UsedKey
from shared.circuit.loader import load_current, load_version, switch_rows_off
from shared.circuit.mandates import Mandate
from shared.circuit.parties import Directory, Party
from shared.circuit.sheets import Sheet
from shared.circuit.table import Circuit
from shared.circuit.turns import Awaited
from shared.vocabulary.actors import Actor
from shared.vocabulary.levels import LEVEL
from shared.vocabulary.roles import Role
from shared.vocabulary.rules import Violation
from shared.vocabulary.statuses import Status
from tests.unit.deposit.builders import (
    COTRAITANT,
    DIRECTORY,
    MOA,
    MOE,
    NAMES,
    NOW,
    TITULAIRE,
    WORLD,
    a_piece,
    a_state,
    a_turn,
    awaiting,
    next_piece,
    opening,
    reading,
)

CIRCUIT = load_current()
TIT, OEUVRE, OUVRAGE = Role.TITULAIRE, Role.MOE, Role.MOA


@dataclass
class Memory:
    """The store of deposit, in memory."""

    pieces: list[Piece]
    keys: dict[str, UsedKey] = field(default_factory=dict)
    claims: dict[str, str] = field(default_factory=dict)

    async def get(self, piece_id: str) -> Piece | None:
        return next((piece for piece in self.pieces if piece.id == piece_id), None)

    async def find_by_number(self, depositor: str, number: str) -> Piece | None:
        for piece in self.pieces:
            if (piece.draft.depositor.structure, piece.draft.number) == (depositor, number):
                return piece
        return None

    async def find_with_number(self, number: str, role: Role, structure: str) -> list[Piece]:
        found = [piece for piece in self.pieces if piece.draft.number == number]
        return [each for each in found if each.draft.parties.of(role) == Party(structure)]

    async def list_ids(self, dossier_id: str) -> set[str]:
        return {piece.id for piece in self.pieces if piece.dossier_id == dossier_id}

    async def find_settlements(self, dossiers: Iterable[str]) -> dict[str, str]:
        return {each: self.claims[each] for each in dossiers if each in self.claims}

    async def find_key_use(self, key: Key) -> UsedKey | None:
        return self.keys.get(key.id)


@dataclass
class Dossiers:
    """The projection of dossiers, in memory."""

    states: dict[str, DossierState]

    async def find(self, dossier_id: str) -> DossierState | None:
        return self.states.get(dossier_id)

    async def find_awaiting(self, who: Depositor, titulaire: str) -> str | None:
        found = [
            state.awaited.piece_id
            for state in self.states.values()
            if state.parties.titulaire.structure == titulaire
            and state.awaited
            and (turn := state.awaited.find_turn(who.role, who.structure))
            and who.cadre in turn.cadres
        ]
        return found[0] if found else None


class Structures:
    """The projection of structures, in memory."""

    async def find(self, structures: Iterable[str]) -> Directory:
        return {name: DIRECTORY[name] for name in structures if name in DIRECTORY}


class Mandates:
    """The projection of mandates, in memory: no structure has given one."""

    async def find(self, mandants: Sequence[str]) -> tuple[Mandate, ...]:
        del mandants
        return ()


class Sheets:
    """The projection of sheets, in memory: no marché has one."""

    async def find(self, moa: str, number: str) -> Sheet | None:
        del moa, number
        return None


def _ports(pieces: Iterable[Piece], *states: DossierState) -> Ports:
    unused = cast("Any", None)
    return Ports(
        reader=unused,
        structures=Structures(),
        mandates=Mandates(),
        sheets=Sheets(),
        dossiers=Dossiers({state.id: state for state in states}),
        pieces=Memory([*pieces]),
        ledger=unused,
        vault=unused,
        certify=unused,
        clock=lambda: NOW,
        new_id=lambda: "new",
    )


A4 = a_piece()
AWAITING = a_state(A4)
HELD_BY_MOA = a_state(A4, Status.ASSOCIEE, awaiting(a_turn(OUVRAGE, "A19"), piece_id="piece-2"))
ANOTHER = replace(A4, id="piece-9", dossier_id="dossier-9")
"""A piece of the same number, of another depositor."""


def _elsewhere(state: DossierState) -> DossierState:
    awaited = state.awaited
    if awaited and awaited.piece_id == A4.id:
        awaited = replace(awaited, piece_id=ANOTHER.id)
    statuses = {ANOTHER.id: state.statuses[A4.id]}
    return replace(state, id=ANOTHER.dossier_id, statuses=statuses, awaited=awaited)


A15 = opening("A15", OEUVRE, OUVRAGE, number="EA-1", preceding_numbers=("SIT-1",))
A17 = opening("A17", OEUVRE, OUVRAGE, number="PDG-1", preceding_numbers=("SIT-1",))
A7 = reading(cadre="A7", number="FIN-1", preceding_numbers=("SIT-1",))
A8 = reading(cadre="A8", number="DGD-1", preceding_numbers=("SIT-1",))
MEANT = replace(A15, metadata=replace(A15.metadata, opens=True))


@pytest.mark.parametrize(
    ("proposal", "pieces", "states", "followed"),
    [
        (A15, [A4], [AWAITING], A4.id),
        # A second answer is refused for its turn: it opens no dossier beside the first.
        (A15, [A4], [replace(AWAITING, awaited=None)], A4.id),
        (A15, [A4], [HELD_BY_MOA], A4.id),
        (A15, [A4], [a_state(A4, awaited=awaiting(a_turn(OEUVRE, "A16")))], A4.id),
        (A15, [A4], [a_state(A4, awaited=awaiting(a_turn(OUVRAGE, "A15")))], A4.id),
        (A15, [], [], None),
        (A15, [A4, ANOTHER], [AWAITING, _elsewhere(HELD_BY_MOA)], A4.id),
        (A15, [A4, ANOTHER], [AWAITING, _elsewhere(AWAITING)], "DEP-SUITE-02"),
        (A15, [A4, ANOTHER], [AWAITING], "DEP-SUITE-02"),
        (MEANT, [A4], [AWAITING], None),
        (A7, [A4], [AWAITING], None),
        (A7, [A4], [HELD_BY_MOA], None),
        (A7, [A4], [], None),
        (A17, [A4], [AWAITING], None),
        # Whatever opens nothing follows what it cites, and is then judged for it.
        (A8, [A4], [AWAITING], A4.id),
        (A8, [A4], [], A4.id),
        (A8, [], [], "DEP-SUITE-01"),
        (A8, [A4, ANOTHER], [AWAITING], "DEP-SUITE-02"),
    ],
)
async def test_a_citation_is_followed_when_the_circuit_leads_from_it_or_the_piece_opens_nothing(
    proposal: Proposal, pieces: list[Piece], states: list[DossierState], followed: str | None
) -> None:
    assert await _found(proposal, _ports(pieces, *states)) == followed


async def _found(proposal: Proposal, ports: Ports, circuit: Circuit = CIRCUIT) -> str | None:
    found = await find_followed(ports, proposal, circuit)
    if isinstance(found, Violation):
        return found.code
    return found.piece.id if found else None


async def test_a_citation_that_is_still_on_its_way_is_waited_for_and_opens_no_second_dossier() -> (
    None
):
    on_its_way = _ports([A4, replace(A4, id="piece-2", draft=replace(A4.draft, number="EA-0"))])

    found = await find_followed(on_its_way, A15, CIRCUIT)

    assert isinstance(found, FollowedPiece)
    assert (found.piece, found.state) == (A4, None)


async def test_a_piece_of_the_first_table_is_followed_by_that_table() -> None:
    """A15 opens nothing by 2026-1, and so follows what it cites, whether awaited or not."""
    assert await _found(A15, _ports([A4], HELD_BY_MOA), load_version("2026-1")) == A4.id


@pytest.mark.parametrize(
    ("role", "structure", "told", "expected"),
    [
        (OUVRAGE, MOA, False, True),
        (OUVRAGE, COTRAITANT, False, False),
        (OUVRAGE, MOA, True, False),
        (OUVRAGE, COTRAITANT, True, True),
        (OEUVRE, COTRAITANT, True, False),
        (TIT, TITULAIRE, True, True),
        (Role.SOUS_TRAITANT, TITULAIRE, True, False),
    ],
)
async def test_who_takes_part_is_who_the_dossier_now_names(
    role: Role, structure: str, told: bool, expected: bool
) -> None:
    """A recycling has named another MOA: it sees the piece, and the wrong one no longer does."""
    corrected = replace(AWAITING, parties=replace(AWAITING.parties, moa=Party(COTRAITANT)))
    ports = _ports([A4], *([corrected] if told else []))

    assert await is_party(ports, A4, Actor(role, structure)) is expected
    shown = await Consultations(ports, LEVEL).show_piece(A4.id, Actor(role, structure))
    assert (shown is not None) is expected


@pytest.mark.parametrize(
    ("named", "limited", "expected"),
    [
        (None, None, True),
        ("TRAVAUX", None, True),
        ("TRAVAUX", "TRAVAUX", True),
        ("TRAVAUX", "VOIRIE", False),
        (None, "TRAVAUX", False),
    ],
)
async def test_who_is_limited_to_a_service_sees_the_pieces_that_name_it(
    named: str | None, limited: str | None, expected: bool
) -> None:
    parties = replace(AWAITING.parties, moa=Party(MOA, named))
    ports = _ports([A4], replace(AWAITING, parties=parties))

    shown = await Consultations(ports, LEVEL).show_piece(A4.id, Actor(OUVRAGE, MOA, limited))

    assert (shown is not None) is expected


async def test_the_prefill_of_a_recycled_dossier_is_metadata_that_is_accepted() -> None:
    parties = replace(AWAITING.parties, moa=Party(COTRAITANT))
    corrected = replace(AWAITING, parties=parties, engagements={A4.id: "EJ-RECYCLE"})

    filled = await Consultations(_ports([A4], corrected), LEVEL).prefill(A4.id, Actor(OEUVRE, MOE))

    assert isinstance(filled, Prefill)
    assert (filled.parties, filled.engagement) == (parties, "EJ-RECYCLE")
    assert [option.recipient.structure for option in filled.options] == [COTRAITANT]


@pytest.mark.parametrize(
    ("awaited", "role", "cadres"),
    [
        (awaiting(a_turn(OEUVRE, "A17"), a_turn(TIT, "A22")), OEUVRE, ["A17"]),
        (awaiting(a_turn(OEUVRE, "A17"), a_turn(TIT, "A22")), TIT, ["A22"]),
        (awaiting(a_turn(OEUVRE, "A17")), TIT, None),
        (awaiting(a_turn(OEUVRE, "A17"), a_turn(TIT, "A22")), OUVRAGE, None),
    ],
)
async def test_each_one_awaited_is_prefilled_what_it_may_deposit(
    awaited: Awaited, role: Role, cadres: list[str] | None
) -> None:
    final = a_piece(reading(cadre="A7"))
    ports = _ports([final], a_state(final, awaited=awaited))

    filled = await Consultations(ports, LEVEL).prefill(final.id, Actor(role, NAMES[role]))

    if cadres is None:
        assert isinstance(filled, Violation)
        assert filled.code == "CIR-TOUR-03"
    else:
        assert isinstance(filled, Prefill)
        assert [option.cadre for option in filled.options] == cadres


@dataclass(frozen=True)
class Plain:
    """A file whose fields a test gives."""

    name: str = "piece.pdf"
    size_bytes: int = 8
    content: bytes = b"%PDF-1.7"

    async def read_head(self, size: int) -> bytes:
        return self.content[:size]

    async def read(self) -> bytes:
        return self.content


async def _tried(proposal: Proposal, ports: Ports, policy: Policy) -> list[str]:
    file = Plain()

    async def read(content: bytes, name: str, sender: str) -> Invoice:
        assert (content, name, sender) == (file.content, file.name, proposal.structure)
        return proposal.read

    submission = Submission(proposal.role, proposal.structure, file, (), proposal.metadata, "{}")
    trial = await Deposits(replace(ports, reader=read), policy).try_out(submission)
    return [violation.code for violation in trial.violations]


ON = Policy(CIRCUIT, max_number_length=20, max_read_at_once=16)
OFF = replace(ON, circuit=switch_rows_off(CIRCUIT, ["A15"]).circuit)


@pytest.mark.parametrize(
    ("proposal", "states", "policy", "codes"),
    [
        # No new dossier by what is off; the dossier open by the old table goes on.
        (reading(number="SIT-2"), [], OFF, ["CIR-CADRE-06"]),
        (opening("A15", OEUVRE, OUVRAGE, number="EA-1"), [], OFF, ["CIR-CADRE-01"]),
        (A15, [AWAITING], OFF, []),
        (A15, [HELD_BY_MOA], OFF, ["CIR-TOUR-02"]),
        # With everything on, beside a piece that awaits it, one says so.
        (
            opening("A15", OEUVRE, OUVRAGE, number="EA-1"),
            [AWAITING],
            ON,
            ["DEP-SUITE-05"],
        ),
        (MEANT, [AWAITING], ON, []),
        (A15, [AWAITING], ON, []),
        (A15, [], ON, ["DEP-SUITE-03"]),
        (A7, [AWAITING], ON, []),
    ],
)
async def test_a_deposit_is_judged_by_the_table_of_what_it_follows_or_else_by_the_current_one(
    proposal: Proposal, states: list[DossierState], policy: Policy, codes: list[str]
) -> None:
    assert await _tried(proposal, _ports([A4], *states), policy) == codes


@pytest.mark.parametrize(
    ("cadre", "role", "codes"),
    [("A15", OEUVRE, []), ("A22", TIT, ["CIR-TOUR-03", "CIR-CADRE-01"])],
)
async def test_a_dossier_goes_on_by_the_table_it_opened_by(
    cadre: str, role: Role, codes: list[str]
) -> None:
    """By the first table, where an A15 opens nothing and an A22 is unknown."""
    first = a_piece(world=replace(WORLD, circuit=load_version("2026-1")))
    ports = _ports([first], a_state(first))

    assert await _tried(next_piece(role, NAMES[role], cadre=cadre), ports, ON) == codes
