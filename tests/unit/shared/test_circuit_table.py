"""The seven rows of the first version, and what can be asked of a table."""

from dataclasses import replace
from pathlib import Path

import pytest

from shared.circuit import loader
from shared.circuit.loader import CircuitError, load_current, load_version
from shared.circuit.table import Circuit, Confidence, Phase
from shared.vocabulary.cadres import parse_cadre
from shared.vocabulary.roles import Application, Role

CIRCUIT = load_version("2026-1")


def test_the_table_holds_the_seven_rows_of_the_two_circuits() -> None:
    ways = {
        row.cadre: (row.depositor, row.recipient, row.followers, row.phase) for row in CIRCUIT.rows
    }

    assert ways == {
        "A4": (Role.TITULAIRE, Role.MOE, ("A15",), Phase.EN_COURS),
        "A15": (Role.MOE, Role.MOA, ("A19",), Phase.EN_COURS),
        "A19": (Role.MOA, Role.SERVICE_FINANCIER, (), Phase.EN_COURS),
        "A7": (Role.TITULAIRE, Role.MOE, ("A17",), Phase.FIN),
        "A17": (Role.MOE, Role.MOA, ("A20",), Phase.FIN),
        "A20": (Role.MOA, Role.TITULAIRE, ("A8",), Phase.FIN),
        "A8": (Role.TITULAIRE, Role.SERVICE_FINANCIER, (), Phase.FIN),
    }
    assert all(row.moa_present for row in CIRCUIT.rows)


def test_every_row_says_where_it_comes_from() -> None:
    assert {row.confidence for row in CIRCUIT.rows} == {Confidence.WEBINAIRE}
    assert all(row.source for row in CIRCUIT.rows)
    assert all(parse_cadre(row.api_code) == row.cadre for row in CIRCUIT.rows)


def test_only_the_titulaire_opens_and_by_a4_or_a7() -> None:
    openers = {role: CIRCUIT.list_openers(role) for role in Role}

    assert openers.pop(Role.TITULAIRE) == ("A4", "A7")
    assert set(openers.values()) == {()}
    assert CIRCUIT.list_openers(Role.TITULAIRE, moa=False) == ()


def test_a_contested_a20_is_followed_by_a_new_a20_from_the_moa() -> None:
    a20 = CIRCUIT["A20", True]

    assert CIRCUIT.list_followers(a20, Role.TITULAIRE) == ("A8",)
    assert CIRCUIT.list_followers(a20, Role.MOA) == ()
    assert CIRCUIT.list_followers(a20, Role.MOA, contested=True) == ("A20",)
    assert CIRCUIT.list_followers(a20, Role.TITULAIRE, contested=True) == ()


def test_an_a7_alone_informs_and_it_informs_the_moa() -> None:
    informed = {row.cadre: row.informed for row in CIRCUIT.rows if row.informed}

    assert informed == {"A7": (Role.MOA,)}


def test_the_service_financier_alone_finds_its_piece_in_factures_recues() -> None:
    received = [row.cadre for row in CIRCUIT.rows if row.application is Application.FACTURES_RECUES]

    assert received == ["A19", "A8"]


def test_the_roles_ahead_of_a_piece_are_those_it_still_meets() -> None:
    assert CIRCUIT.find_roles_ahead(CIRCUIT["A4", True]) == {
        Role.MOE,
        Role.MOA,
        Role.SERVICE_FINANCIER,
    }
    assert CIRCUIT.find_roles_ahead(CIRCUIT["A8", True]) == {Role.SERVICE_FINANCIER}


def test_whoever_is_informed_is_among_the_roles_ahead() -> None:
    informing = replace(CIRCUIT["A8", True], informed=(Role.MOE,))

    assert Circuit("x", (informing,)).find_roles_ahead(informing) == {
        Role.SERVICE_FINANCIER,
        Role.MOE,
    }


@pytest.mark.parametrize(
    ("text", "cadre"),
    [
        ("A4", "A4"),
        ("A25", "A25"),
        ("A4_PROJET_DECOMPTE_MENSUEL_FOURNISSEUR", "A4"),
        ("A99", "A99"),
        ("A", None),
        ("A100", None),
        ("a4", None),
        ("A4 ", None),
        ("A4\n", None),
        ("A٤", None),
        ("S1", None),
        ("", None),
    ],
)
def test_a_cadre_is_read_from_its_code_or_its_long_name(text: str, cadre: str | None) -> None:
    assert parse_cadre(text) == cadre


@pytest.mark.parametrize(
    ("name", "fault"),
    [
        *[
            (name, "no such version")
            for name in (
                *("1999-1", "motifs-de-refus", "", "*", "2026", "2026-", "-2026-2", "delais"),
                *("../tables/2026-1", "2026-../../tables/2026-1", "/etc/passwd", "2026-2\0"),
                *("2026-2.csv", "2026-2 ", "2026-2\n", "٢٠٢٦-2", "2026-[12]", "20260-2-A5"),
            )
        ],
        *[
            (f"2026-2-{switch}", "names no row")
            for switch in (
                *("", "a5", "A99", "A6.avec", "A5.avec.sans", "A5.", "A5\n", "A٥", "A100"),
                *("A1[0-9]", "../A5", "A5-", "A5--A6", "A5 A6", "A" * 90),
            )
        ],
        ("2026-1-A22", "A22 names no row"),
        ("2026-1-A4-A7", "leave no row"),
        (f"2026-2-{'A' * 1000}", "1007 characters"),
    ],
)
def test_a_version_that_is_no_table_is_refused(name: str, fault: str) -> None:
    with pytest.raises(CircuitError, match=fault):
        load_version(name)


def test_an_open_dossier_finds_its_own_version_again() -> None:
    assert load_version("2026-1") is CIRCUIT
    assert load_version("2026-2") is load_current()
    assert CIRCUIT.has_cadre("A8")
    assert not CIRCUIT.has_cadre("A16")


def test_a_dossier_opened_by_a_table_with_rows_switched_off_finds_it_by_its_name() -> None:
    switched = load_version("2026-2-A5-A22.sans")

    assert load_version(switched.version).rows == switched.rows
    assert not switched.has_cadre("A5")
    assert switched.find_row("A22", moa=True)
    assert not switched.find_row("A22", moa=False)
    assert {(row.cadre, row.moa_present) for row in load_current().rows} - {
        (row.cadre, row.moa_present) for row in switched.rows
    } == {("A5", True), ("A22", False), ("A23", False), ("A24", False)}


def test_no_table_is_read_again_for_a_dossier(monkeypatch: pytest.MonkeyPatch) -> None:
    opened = load_current()
    monkeypatch.setattr(loader, "_TABLES", Path("absent"))

    assert load_current() is opened
    assert load_version(opened.version) is opened
