"""Who has received a piece: nobody before it has come, and nobody to whom it never goes."""

from dataclasses import dataclass

import pytest

from shared.circuit.loader import load_current
from shared.circuit.reception import find_receivers
from shared.vocabulary.roles import Role
from shared.vocabulary.statuses import Status

TITULAIRE, MOE, MOA, PAYER = Role.TITULAIRE, Role.MOE, Role.MOA, Role.SERVICE_FINANCIER


@dataclass(frozen=True, slots=True)
class APiece:
    piece_id: str
    cadre: str
    status: Status
    follows: str | None = None


def receivers(*pieces: APiece, moa: bool = True) -> list[set[Role]]:
    circuit = load_current()
    return [{*find_receivers(circuit, pieces, piece, moa=moa)} for piece in pieces]


@pytest.mark.parametrize(
    ("cadre", "moa", "roles"),
    [
        ("A4", True, {MOE}),
        ("A4", False, {MOE}),
        ("A5", True, {MOA}),
        ("A6", False, {PAYER}),
        ("A7", True, {MOE, MOA}),
        ("A7", False, {MOE}),
        ("A8", True, {PAYER}),
        ("A10", True, {TITULAIRE, MOE}),
        ("A13", True, {TITULAIRE, MOE}),
        ("A14", True, {TITULAIRE, MOE, MOA}),
        ("A15", True, {MOA}),
        ("A16", False, {PAYER}),
        ("A17", True, {MOA}),
        ("A18", False, {TITULAIRE}),
        ("A19", True, {PAYER}),
        ("A20", True, {TITULAIRE}),
        ("A22", True, {MOA, MOE}),
        ("A22", False, {MOE}),
        ("A23", True, {PAYER}),
        ("A24", True, {PAYER, TITULAIRE}),
        ("A25", True, {PAYER, TITULAIRE}),
        ("A11", True, set()),
        ("A19", False, set()),
    ],
)
def test_a_piece_that_went_its_way_was_received_by_whom_its_row_names(
    cadre: str, roles: set[Role], *, moa: bool
) -> None:
    assert receivers(APiece("p", cadre, Status.ASSOCIEE), moa=moa) == [roles]


@pytest.mark.parametrize(
    ("status", "roles"),
    [
        (Status.DEPOSEE, set()),
        (Status.A_ASSOCIER_MOE, {MOE, MOA}),
        (Status.PRISE_EN_COMPTE_MOE, {MOE, MOA}),
        (Status.SUSPENDUE, {MOE, MOA}),
        (Status.COMPLETEE, {MOE, MOA}),
        (Status.EN_ATTENTE_RECYCLAGE_FOURNISSEUR, {MOE, MOA}),
        (Status.EN_COURS_ACHEMINEMENT, set()),
        (Status.REFUSEE_MOE, {MOE, MOA}),
        (Status.REMPLACEE_PAR_A22, {MOE, MOA}),
        (Status.REJETEE, set()),
    ],
)
def test_a_piece_is_received_once_it_has_come_and_stays_so(
    status: Status, roles: set[Role]
) -> None:
    assert receivers(APiece("p", "A7", status)) == [roles]


@pytest.mark.parametrize(
    ("status", "roles"),
    [
        (Status.DEPOSEE, set()),
        (Status.A_VALIDER_1, {TITULAIRE}),
        (Status.REFUSEE_1, {TITULAIRE}),
        (Status.VALIDEE_1, {TITULAIRE}),
        (Status.ABSENCE_VALIDATION_1_HORS_DELAI, {TITULAIRE}),
        (Status.EN_COURS_ACHEMINEMENT, {TITULAIRE}),
        (Status.A_ASSOCIER_MOE, {TITULAIRE, MOE}),
        (Status.REFUSEE_MOE, {TITULAIRE, MOE}),
        (Status.REJETEE, set()),
    ],
)
def test_a_piece_to_validate_is_received_by_its_validator_first(
    status: Status, roles: set[Role]
) -> None:
    assert receivers(APiece("p", "A10", status)) == [roles]


def test_the_service_financier_received_what_it_rejects() -> None:
    opener = APiece("p", "A19", Status.REJETEE)
    state = (
        APiece("ea", "A15", Status.ASSOCIEE),
        APiece("eav", "A19", Status.REJETEE, follows="ea"),
    )

    assert receivers(opener) == [{PAYER}]
    assert receivers(*state) == [{MOA}, {PAYER}]


@pytest.mark.parametrize("first", [Status.MISE_A_DISPOSITION, Status.REJETEE])
def test_of_two_pieces_that_raced_it_received_the_one_that_was_taken(first: Status) -> None:
    _, taken, late = receivers(
        APiece("ea", "A15", Status.ASSOCIEE),
        APiece("eav", "A19", first, follows="ea"),
        APiece("late", "A19", Status.REJETEE, follows="ea"),
    )

    assert (taken, late) == ({PAYER}, set())


def test_it_did_not_receive_a_piece_that_was_rejected_before_the_one_that_was_taken() -> None:
    _, early, taken = receivers(
        APiece("ea", "A15", Status.ASSOCIEE),
        APiece("early", "A19", Status.REJETEE, follows="ea"),
        APiece("eav", "A19", Status.MISE_A_DISPOSITION, follows="ea"),
    )

    assert (early, taken) == (set(), {PAYER})


def test_it_did_not_receive_a_piece_after_one_that_still_awaits_its_recipient() -> None:
    _, wrong = receivers(
        APiece("ea", "A15", Status.A_ASSOCIER_MOA),
        APiece("eav", "A19", Status.REJETEE, follows="ea"),
    )

    assert wrong == set()
