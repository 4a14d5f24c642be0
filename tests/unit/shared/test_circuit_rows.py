"""The rows of the current table against a second writing of them, by hand, from the domain facts.

Each line says: cadre, piece type, depositor > validator > recipient (informed), what follows.
`!` is what answers a contest, `~` what follows silence, `<` what it replaces, `*` opens a dossier.
"""

import pytest

from shared.circuit.loader import load_current, load_version
from shared.circuit.table import Phase, Row
from shared.vocabulary.cadres import parse_cadre
from shared.vocabulary.roles import Application, Role

CIRCUIT = load_current()

WITH_MOA = """
*A4  PROJET_DECOMPTE_MENSUEL     titulaire > moe                             | A15
*A5  ETAT_ACOMPTE                titulaire > moa                             | A19
*A10 DP_DE_SOUSTRAITANT_TRAVAUX  sous_traitant > titulaire > moe             | A15
*A13 PROJET_DECOMPTE_MENSUEL     cotraitant > titulaire > moe                | A15
*A15 ETAT_ACOMPTE                moe > moa                                   | A19
*A19 ETAT_ACOMPTE_VALIDE         moa > service_financier                     |
*A7  PROJET_DECOMPTE_FINAL       titulaire > moe (moa)                       | A17
*A14 PROJET_DECOMPTE_FINAL       cotraitant > titulaire > moe (moa)          | A17
*A17 PROJET_DECOMPTE_GENERAL     moe > moa                                   | A20
*A20 DECOMPTE_GENERAL            moa > titulaire                             | A8 !A20
 A8  DECOMPTE_GENERAL_SIGNE      titulaire > service_financier               |
 A22 PROJET_DECOMPTE_GENERAL_PROCEDURE_TACITE titulaire > moa (moe) | A25 ~A23 ~A24 <A7 <A14 <A17
 A23 DECOMPTE_GENERAL_DEFINITIF_TACITE titulaire > service_financier         |
 A24 DECOMPTE_GENERAL_DEFINITIF_TACITE moe > service_financier (titulaire)   |
 A25 DECOMPTE_GENERAL_DEFINITIF_PROCEDURE_TACITE moa > service_financier (titulaire) |
"""

WITHOUT_MOA = """
*A4  PROJET_DECOMPTE_MENSUEL     titulaire > moe                             | A16
*A6  ETAT_ACOMPTE_VALIDE         titulaire > service_financier               |
*A10 DP_DE_SOUSTRAITANT_TRAVAUX  sous_traitant > titulaire > moe             | A16
*A13 PROJET_DECOMPTE_MENSUEL     cotraitant > titulaire > moe                | A16
*A16 ETAT_ACOMPTE_VALIDE         moe > service_financier                     |
*A7  PROJET_DECOMPTE_FINAL       titulaire > moe                             | A18
*A14 PROJET_DECOMPTE_FINAL       cotraitant > titulaire > moe                | A18
*A18 DECOMPTE_GENERAL            moe > titulaire                             | A8 !A18
 A8  DECOMPTE_GENERAL_SIGNE      titulaire > service_financier               |
 A22 PROJET_DECOMPTE_GENERAL_PROCEDURE_TACITE titulaire > moe   | A18 ~A23 ~A24 <A7 <A14
 A23 DECOMPTE_GENERAL_DEFINITIF_TACITE titulaire > service_financier         |
 A24 DECOMPTE_GENERAL_DEFINITIF_TACITE moe > service_financier (titulaire)   |
"""

API_NAMES = """
A4_PROJET_DECOMPTE_MENSUEL_FOURNISSEUR A5_ETAT_ACOMPTE_FOURNISSEUR
A6_ETAT_ACOMPTE_VALIDE_FOURNISSEUR A7_PROJET_DECOMPTE_FINAL_FOURNISSEUR
A8_DECOMPTE_GENERAL_DEFINITIF_FOURNISSEUR A10_PROJET_DECOMPTE_MENSUEL_SOUSTRAITANT
A13_PROJET_DECOMPTE_MENSUEL_COTRAITANT A14_PROJET_DECOMPTE_FINAL_COTRAITANT A15_ETAT_ACOMPTE_MOE
A16_ETAT_ACOMPTE_VALIDE_MOE A17_PROJET_DECOMPTE_GENERAL_MOE A18_DECOMPTE_GENERAL_MOE
A19_ETAT_ACOMPTE_VALIDE_MOA A20_DECOMPTE_GENERAL_MOA
A22_PROJET_DECOMPTE_GENERAL_FOURNISSEUR_PROCEDURE_TACITE
A23_DECOMPTE_GENERAL_DEFINITIF_TACITE_FOURNISSEUR A24_DECOMPTE_GENERAL_DEFINITIF_TACITE_MOE
A25_DECOMPTE_GENERAL_DEFINITIF_MOE_PROCEDURE_TACITE
"""
"""The codes of the exchanges, which say MOE in A25 though the MOA deposits it."""

DURING = "A4 A5 A6 A10 A13 A15 A16 A19"
DECISIVE = "A6 A16 A18 A19 A20 A23 A24 A25"
FINAL = "A6 A8 A16 A19 A23 A24 A25"
SHOWN_IN_THE_WEBINAR = "A4 A15 A19 A7 A17 A20 A8"


def _written(row: Row) -> str:
    way = " > ".join(filter(None, (row.depositor, row.validator, row.recipient)))
    informed = f"({' '.join(row.informed)})" if row.informed else ""
    after = (
        *row.followers,
        *(f"!{cadre}" for cadre in row.followers_if_contested),
        *(f"~{cadre}" for cadre in row.tacit_followers),
        *(f"<{cadre}" for cadre in row.replaces),
    )
    opens = "*" if row.is_opener else ""
    return " ".join(
        f"{opens}{row.cadre} {row.piece_type} {way} {informed} | {' '.join(after)}".split()
    )


@pytest.mark.parametrize(("moa", "lines"), [(True, WITH_MOA), (False, WITHOUT_MOA)])
def test_every_row_says_what_the_domain_facts_say(moa: bool, lines: str) -> None:
    expected = {" ".join(line.split()) for line in lines.strip().splitlines()}

    assert {_written(row) for row in CIRCUIT.rows if row.moa_present is moa} == expected


def test_every_row_has_the_official_code_a_phase_and_says_whose_amounts_hold() -> None:
    assert {row.api_code for row in CIRCUIT.rows} == {*API_NAMES.split()}
    assert all(parse_cadre(row.api_code) == row.cadre for row in CIRCUIT.rows)
    assert {row.cadre for row in CIRCUIT.rows if row.phase is Phase.EN_COURS} == {*DURING.split()}
    assert {row.cadre for row in CIRCUIT.rows if row.amounts_prevail} == {*DECISIVE.split()}


def test_a_row_of_ours_says_so() -> None:
    """The webinar shows the circuit with a MOA alone; the rest is a rule of the platform."""
    shown = {(row.cadre, row.moa_present) for row in CIRCUIT.rows if row.confidence == "webinaire"}

    assert shown == {(cadre, True) for cadre in SHOWN_IN_THE_WEBINAR.split()}
    assert {row.confidence for row in CIRCUIT.rows} == {"webinaire", "plateforme"}
    assert all("règle de la plateforme" in row.source or "GOBL" in row.source for row in _ours())


def _ours() -> list[Row]:
    return [row for row in CIRCUIT.rows if row.confidence == "plateforme"]


@pytest.mark.parametrize("old", load_version("2026-1").rows, ids=lambda row: row.cadre)
def test_a_row_of_the_first_version_leads_where_it_led(old: Row) -> None:
    """Only who may open a dossier has changed for the seven."""
    row = CIRCUIT[old.cadre, old.moa_present]

    assert _written(row).lstrip("*") == _written(old).lstrip("*")
    assert row.api_code == old.api_code


def test_the_final_pieces_alone_are_found_in_factures_recues() -> None:
    received = {row.cadre for row in CIRCUIT.rows if row.application is Application.FACTURES_RECUES}

    assert received == {*FINAL.split()}


@pytest.mark.parametrize(
    ("cadre", "moa", "roles"),
    [
        ("A5", True, {Role.MOA, Role.SERVICE_FINANCIER}),
        ("A6", False, {Role.SERVICE_FINANCIER}),
        ("A10", True, {Role.TITULAIRE, Role.MOE, Role.MOA, Role.SERVICE_FINANCIER}),
        ("A14", False, {Role.TITULAIRE, Role.MOE, Role.SERVICE_FINANCIER}),
        ("A17", True, {Role.MOE, Role.MOA, Role.TITULAIRE, Role.SERVICE_FINANCIER}),
        ("A24", True, {Role.TITULAIRE, Role.SERVICE_FINANCIER}),
    ],
)
def test_the_roles_ahead_are_those_who_validate_receive_or_are_informed(
    cadre: str, moa: bool, roles: set[Role]
) -> None:
    assert CIRCUIT.find_roles_ahead(CIRCUIT[cadre, moa]) == roles
