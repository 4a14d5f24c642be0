"""Who may open a dossier, by what, who receives it first, and what takes a piece's place."""

from dataclasses import replace

import pytest

from services.deposit.domain.file_party import Party as FileParty
from services.deposit.domain.next_pieces import FollowedPiece
from services.deposit.domain.piece import Piece
from services.deposit.domain.prefill import list_options
from shared.circuit.loader import load_current, switch_rows_off
from shared.circuit.parties import Party
from shared.circuit.turns import Turn
from shared.vocabulary.roles import Application, Role
from shared.vocabulary.statuses import Status
from shared.vocabulary.structures import MoaParameter
from tests.unit.deposit.builders import (
    COTRAITANT,
    DIRECTORY,
    MOA,
    NAMES,
    PAYER,
    READ,
    SOUS_TRAITANT,
    TITULAIRE,
    WORLD,
    a_piece,
    a_state,
    a_structure,
    a_turn,
    accepted,
    after,
    awaiting,
    broken,
    next_piece,
    opening,
)

TIT, COT, SST, OEUVRE, OUVRAGE, PAYEUR = Role


def _named(text: str) -> list[Role]:
    return [Role(name) for name in text.split()]


@pytest.mark.parametrize(
    ("cadre", "role", "others", "recipient", "application"),
    [
        ("A4", TIT, "moe moa", OEUVRE, "factures_de_travaux"),
        ("A7", TIT, "moe moa", OEUVRE, "factures_de_travaux"),
        ("A5", TIT, "moa", OUVRAGE, "factures_de_travaux"),
        ("A15", OEUVRE, "moa", OUVRAGE, "factures_de_travaux"),
        ("A17", OEUVRE, "moa", OUVRAGE, "factures_de_travaux"),
        ("A19", OUVRAGE, "", PAYEUR, "factures_recues"),
        ("A20", OUVRAGE, "", TIT, "factures_de_travaux"),
        ("A10", SST, "titulaire moe moa", TIT, "factures_de_travaux"),
        ("A13", COT, "titulaire moe moa", TIT, "factures_de_travaux"),
        ("A14", COT, "titulaire moe moa", TIT, "factures_de_travaux"),
        ("A4", TIT, "moe", OEUVRE, "factures_de_travaux"),
        ("A6", TIT, "", PAYEUR, "factures_recues"),
        ("A7", TIT, "moe", OEUVRE, "factures_de_travaux"),
        ("A16", OEUVRE, "", PAYEUR, "factures_recues"),
        ("A18", OEUVRE, "", TIT, "factures_de_travaux"),
        ("A10", SST, "titulaire moe", TIT, "factures_de_travaux"),
        ("A13", COT, "titulaire moe", TIT, "factures_de_travaux"),
        ("A14", COT, "titulaire moe", TIT, "factures_de_travaux"),
    ],
)
def test_each_opener_names_whom_it_needs_and_goes_to_its_first_recipient(
    cadre: str, role: Role, others: str, recipient: Role, application: Application
) -> None:
    draft = accepted(opening(cadre, role, *_named(others)))

    first = draft.recipient
    assert (first.role, first.structure) == (recipient, NAMES[recipient])
    assert first.application == application
    assert draft.depositor == Party(NAMES[role])
    assert {each for each, _ in draft.parties.list_named()} == {TIT, PAYEUR, role, *_named(others)}


@pytest.mark.parametrize(
    ("cadre", "role", "others", "expected"),
    [
        # Whom the depositor does not name, and no file does.
        ("A10", SST, "moe moa", [("CIR-PARTIE-01", "parties.titulaire.structure")]),
        ("A13", COT, "moe moa", [("CIR-PARTIE-01", "parties.titulaire.structure")]),
        ("A10", SST, "titulaire moa", [("CIR-PARTIE-01", "parties.moe.structure")]),
        ("A14", COT, "titulaire", [("CIR-PARTIE-01", "parties.moe.structure")]),
        # Cadres of the other circuit.
        ("A5", TIT, "", [("CIR-CADRE-05", "parties.moa")]),
        ("A15", OEUVRE, "", [("CIR-CADRE-05", "parties.moa")]),
        ("A17", OEUVRE, "", [("CIR-CADRE-05", "parties.moa")]),
        ("A6", TIT, "moa", [("CIR-CADRE-06", "parties.moa")]),
        ("A16", OEUVRE, "moa", [("CIR-CADRE-06", "parties.moa")]),
        ("A18", OEUVRE, "moa", [("CIR-CADRE-06", "parties.moa")]),
        # Cadres of another role, and cadres that open nothing.
        ("A10", TIT, "moe moa", [("CIR-CADRE-04", "cadre")]),
        ("A4", SST, "titulaire moe moa", [("CIR-CADRE-04", "cadre")]),
        ("A14", SST, "titulaire moe moa", [("CIR-CADRE-04", "cadre")]),
        ("A19", OEUVRE, "moa", [("CIR-CADRE-04", "cadre")]),
        ("A22", TIT, "moe moa", [("CIR-CADRE-02", "cadre")]),
        ("A23", TIT, "moe", [("CIR-CADRE-02", "cadre")]),
        ("A24", OEUVRE, "moa", [("CIR-CADRE-02", "cadre")]),
        ("A25", OUVRAGE, "", [("CIR-CADRE-02", "cadre")]),
        ("A11", SST, "titulaire moe moa", [("CIR-CADRE-01", "cadre")]),
    ],
)
def test_an_opener_that_is_not_its_depositor_s_or_misses_somebody_is_refused(
    cadre: str, role: Role, others: str, expected: list[tuple[str, str]]
) -> None:
    assert broken(opening(cadre, role, *_named(others))) == expected


AVEC, SANS, ONLY = MoaParameter.AVEC, MoaParameter.SANS, MoaParameter.EXCLUSIVEMENT


@pytest.mark.parametrize(
    ("moa", "payer", "require_moa", "expected"),
    [
        (None, SANS, True, []),
        (None, AVEC, True, [("CIR-MOA-03", "parties.moa")]),
        (None, AVEC, False, []),
        (None, ONLY, True, [("CIR-MOA-02", "parties.service_financier.structure")]),
        (None, ONLY, False, [("CIR-MOA-02", "parties.service_financier.structure")]),
        (AVEC, SANS, True, []),
        (AVEC, AVEC, True, []),
        (ONLY, SANS, True, []),
        (SANS, SANS, True, [("CIR-MOA-01", "parties.moa.structure")]),
        (AVEC, ONLY, True, [("CIR-MOA-02", "parties.service_financier.structure")]),
    ],
)
@pytest.mark.parametrize(
    ("cadre", "role", "others"), [("A4", TIT, "moe"), ("A14", COT, "titulaire moe")]
)
def test_the_moa_parameter_is_judged_alike_for_every_opener(
    moa: MoaParameter | None,
    payer: MoaParameter,
    require_moa: bool,
    expected: list[tuple[str, str]],
    cadre: str,
    role: Role,
    others: str,
) -> None:
    named = [*_named(others), *([OUVRAGE] if moa else [])]
    directory = {
        **DIRECTORY,
        MOA: a_structure(MOA, moa=moa or SANS),
        PAYER: a_structure(PAYER, moa=payer),
    }
    world = replace(WORLD, directory=directory, require_moa=require_moa)

    assert broken(opening(cadre, role, *named), world) == expected


@pytest.mark.parametrize(
    ("cadre", "role", "own"), [("A10", SST, SOUS_TRAITANT), ("A13", COT, COTRAITANT)]
)
def test_the_seller_of_a_subcontractor_s_file_is_the_subcontractor(
    cadre: str, role: Role, own: str
) -> None:
    right = opening(cadre, role, TIT, OEUVRE, OUVRAGE)
    of_the_titulaire = replace(right, read=replace(right.read, seller=FileParty(siret=TITULAIRE)))
    of_a_siren = replace(right, read=replace(right.read, seller=FileParty(siren=own[:9])))

    parties = accepted(right).parties
    assert (parties.of(role), parties.titulaire) == (Party(own), Party(TITULAIRE))
    assert ("CIR-PARTIE-02", "depositor.structure") in broken(of_the_titulaire)
    assert broken(of_a_siren) == []


def test_a_validator_is_asked_for_what_its_structure_requires() -> None:
    strict = a_structure(TITULAIRE, code_service_obligatoire=True)
    world = replace(WORLD, directory={**DIRECTORY, TITULAIRE: strict})

    assert broken(opening("A10", SST, TIT, OEUVRE, OUVRAGE), world) == [
        ("CIR-CHAMP-01", "parties.titulaire.service")
    ]


def _before(cadre: str, role: Role, *others: Role) -> Piece:
    return a_piece(opening(cadre, role, *others))


A7 = _before("A7", TIT, OEUVRE, OUVRAGE)
A7_SANS = _before("A7", TIT, OEUVRE)
A17 = _before("A17", OEUVRE, OUVRAGE)
A14 = _before("A14", COT, TIT, OEUVRE, OUVRAGE)
A4 = _before("A4", TIT, OEUVRE, OUVRAGE)
A22 = replace(A7, draft=replace(A7.draft, cadre="A22"))
NOT_AWAITED = [("CIR-TOUR-03", "follows")]
NOT_NOW = [*NOT_AWAITED, ("CIR-CADRE-03", "cadre")]
LATE = a_turn(TIT, "A22")


@pytest.mark.parametrize(
    ("piece", "status", "turns", "cadre", "role", "expected"),
    [
        (A7, "A_ASSOCIER_MOE", [a_turn(OEUVRE, "A17"), LATE], "A22", TIT, []),
        (A7, "PRISE_EN_COMPTE_MOE", [a_turn(OEUVRE, "A17"), LATE], "A22", TIT, []),
        (A7, "A_ASSOCIER_MOE", [a_turn(OEUVRE, "A17"), LATE], "A17", OEUVRE, []),
        (A17, "A_ASSOCIER_MOA", [a_turn(OUVRAGE, "A20"), LATE], "A22", TIT, []),
        (A14, "A_ASSOCIER_MOE", [a_turn(OEUVRE, "A17"), LATE], "A22", TIT, []),
        (A7_SANS, "A_ASSOCIER_MOE", [a_turn(OEUVRE, "A18"), LATE], "A22", TIT, []),
        (A7, "A_ASSOCIER_MOE", [a_turn(OEUVRE, "A17")], "A22", TIT, NOT_NOW),
        (A4, "A_ASSOCIER_MOE", [a_turn(OEUVRE, "A15")], "A22", TIT, NOT_NOW),
        (A22, "A_ASSOCIER_MOA", [a_turn(OUVRAGE, "A25")], "A25", OUVRAGE, []),
        (A22, "A_ASSOCIER_MOA", [a_turn(OUVRAGE, "A25")], "A23", TIT, NOT_NOW),
        (
            A22,
            "A_ASSOCIER_FOURNISSEUR",
            [a_turn(TIT, "A23"), a_turn(OEUVRE, "A24")],
            "A23",
            TIT,
            [],
        ),
        (
            A22,
            "A_ASSOCIER_FOURNISSEUR",
            [a_turn(TIT, "A23"), a_turn(OEUVRE, "A24")],
            "A24",
            OEUVRE,
            [],
        ),
        (
            A22,
            "A_ASSOCIER_FOURNISSEUR",
            [a_turn(TIT, "A23"), a_turn(OEUVRE, "A24")],
            "A25",
            OUVRAGE,
            NOT_AWAITED,
        ),
    ],
)
def test_the_tacit_procedure_is_open_when_routing_offers_it_and_not_before(
    piece: Piece,
    status: str,
    turns: list[Turn],
    cadre: str,
    role: Role,
    expected: list[tuple[str, str]],
) -> None:
    state = a_state(piece, Status(status), awaiting(*turns))

    assert broken(next_piece(role, NAMES[role], cadre=cadre), after(piece, state)) == expected


def test_the_structure_of_another_titulaire_may_not_use_the_offer() -> None:
    state = a_state(A7, Status.A_ASSOCIER_MOE, awaiting(a_turn(OEUVRE, "A17"), LATE))

    assert ("CIR-TOUR-03", "follows") in broken(
        next_piece(TIT, COTRAITANT, cadre="A22"), after(A7, state)
    )


def test_each_one_awaited_is_shown_its_own_options() -> None:
    state = a_state(A7, Status.A_ASSOCIER_MOE, awaiting(a_turn(OEUVRE, "A17"), LATE))

    def shown(role: Role) -> list[tuple[str, str]]:
        found = list_options(load_current(), FollowedPiece(A7, state), role, DIRECTORY)
        return [(option.cadre, option.recipient.structure) for option in found]

    assert (shown(OEUVRE), shown(TIT), shown(OUVRAGE)) == ([("A17", MOA)], [("A22", MOA)], [])


def test_a_recycled_dossier_s_parties_are_those_of_its_state() -> None:
    corrected = replace(A4.draft.parties, moa=Party(COTRAITANT))
    state = replace(a_state(A4), parties=corrected)

    draft = accepted(next_piece(), after(A4, state))

    assert draft.recipient.structure == COTRAITANT
    assert draft.parties == corrected


SWITCHED = replace(WORLD, circuit=switch_rows_off(load_current(), ["A5", "A15", "A16"]).circuit)


@pytest.mark.parametrize(
    ("cadre", "role", "others", "codes"),
    [
        ("A5", TIT, "moa", ["CIR-CADRE-01"]),
        ("A15", OEUVRE, "moa", ["CIR-CADRE-01"]),
        ("A4", TIT, "moe moa", ["CIR-CADRE-01"]),
        ("A10", SST, "titulaire moe moa", ["CIR-CADRE-01"]),
        ("A19", OUVRAGE, "", []),
        ("A7", TIT, "moe moa", []),
        ("A6", TIT, "", []),
    ],
)
def test_what_is_switched_off_opens_no_dossier(
    cadre: str, role: Role, others: str, codes: list[str]
) -> None:
    proposal = opening(cadre, role, *_named(others))

    assert [code for code, _ in broken(proposal, SWITCHED)] == codes
    assert broken(proposal) == []


def test_a_draft_keeps_the_name_of_the_table_it_was_judged_by() -> None:
    draft = accepted(opening("A7", TIT, OEUVRE, OUVRAGE), SWITCHED)

    assert draft.table_version == "2026-2-A15-A16-A5"


def test_opening_by_one_circuit_alone_may_be_switched_off() -> None:
    world = replace(WORLD, circuit=switch_rows_off(load_current(), ["A4.sans"]).circuit)
    sans = opening("A4", TIT, OEUVRE)

    assert broken(sans, world) == [("CIR-CADRE-05", "parties.moa")]
    assert broken(replace(sans, read=replace(READ, cadre="A7")), world) == []
