"""A table that would strand a dossier is refused, and the row at fault is named."""

from pathlib import Path

import pytest

from shared.circuit import loader, statuses
from shared.circuit.loader import CircuitError, read
from shared.vocabulary.roles import Role
from shared.vocabulary.statuses import FINAL

LINES = (
    (Path(loader.__file__).parent / "tables" / "2026-1.csv")
    .read_text(encoding="utf-8")
    .splitlines()
)
COLUMNS = LINES[0].split(";")


def _row(cadre: str) -> int:
    return next(i for i, line in enumerate(LINES) if line.startswith(f"{cadre};"))


def _changed(cadre: str, **changes: str) -> list[str]:
    """The shipped table with some cells of one row changed."""
    cells = dict(zip(COLUMNS, LINES[_row(cadre)].split(";"), strict=True))
    line = ";".join((cells | changes).values())
    return [line if i == _row(cadre) else other for i, other in enumerate(LINES)]


def _line(cadre: str, way: str, moa: str = "oui", validator: str = "") -> str:
    """One more row, from `depositor>recipient:followers`, an opener."""
    depositor, rest = way.split(">")
    recipient, followers = rest.split(":")
    return ";".join(
        [
            *(cadre, moa, f"{cadre}_X", "libellé", depositor, "TYPE", "en_cours", "oui"),
            *(validator, recipient, "", followers, "", "non", "règle de la plateforme"),
            "plateforme",
        ]
    )


def _contestable(cadre: str) -> list[str]:
    """A row by which the MOE's piece may be contested, and the row that follows it."""
    contestable = _line(cadre, "moe>titulaire:A8", moa="non").replace(";A8;;", f";A8;{cadre};")
    return [contestable, _line("A8", "titulaire>service_financier:", moa="non")]


def test_the_shipped_table_is_accepted() -> None:
    assert len(read("shipped", LINES).rows) == 7


def test_a_service_financier_that_cannot_end_a_piece_is_noticed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    endless = tuple(row for row in statuses.TRANSITIONS if row.target not in FINAL)
    monkeypatch.setattr(loader, "TRANSITIONS", endless)

    with pytest.raises(CircuitError, match=r"row A8 .*: its recipient service_financier brings"):
        read("planted", LINES)


@pytest.mark.parametrize(
    ("lines", "fault"),
    [
        (_changed("A15", suites="A16"), r"row A15 \(with MOA\): its follower A16 has no row"),
        (_changed("A20", suites_si_contestee="A18"), r"row A20 .*: its follower A18 has no row"),
        (_changed("A4", ouvre_un_dossier="non"), r"row A4 .*: no opener leads to it"),
        (_changed("A17", suites=""), r"row A17 .*: dead end, its recipient moa"),
        (_changed("A17", suites="A8"), r"row A17 .*: dead end, its recipient moa"),
        (_changed("A20", suites_si_contestee="A8"), r"row A20 .*: dead end, contested"),
        (_changed("A19", suites="A19"), r"row A19 .*: nothing follows a piece at the service fin"),
        (
            _changed("A8", destinataire="moe", suites="A17"),
            r"row A17 .*: it leads back to itself, not to the service financier",
        ),
        (
            [*LINES, _line("A7", "titulaire>moe:A18", moa="non"), *_contestable("A18")],
            r"row A18 \(without MOA\): contested, its depositor moe may not deposit",
        ),
        (
            [*LINES, _line("A13", "cotraitant>moe:A15")],
            r"row A13 .*: suspended, its depositor cotraitant may not complete it",
        ),
        (
            [*LINES, _line("A21", "moa>cotraitant:A22"), _line("A22", "cotraitant>moa:A19")],
            r"row A21 .*: no status in which a piece reaches its recipient cotraitant",
        ),
        (
            _changed("A17", suites_si_contestee="A17"),
            r"row A17 .*: its recipient moa may not contest from A_ASSOCIER_MOA",
        ),
        (
            [*LINES, _line("A10", "titulaire>moe:A15", validator="titulaire")],
            r"row A10 .*: its validator titulaire would not be asked",
        ),
        ([*LINES, LINES[1]], r"row A4 .*: stated twice"),
        (_changed("A4", destinataire="maire"), r"row A4: 'maire' is not a valid Role"),
        (_changed("A4", moa_presente="peut-être"), r"row A4: 'peut-être'"),
        (_changed("A4", phase="début"), r"row A4: 'début' is not a valid Phase"),
        ([*LINES, "A5;oui"], r"row A5: zip"),
        ([*LINES, LINES[1] + ";de trop"], r"row A4: zip"),
        (["cadre;suites"], r"columns must be cadre;moa_presente;"),
    ],
)
def test_a_faulty_table_is_refused_and_the_row_named(lines: list[str], fault: str) -> None:
    with pytest.raises(CircuitError, match=fault):
        read("planted", lines)


def test_every_fault_of_a_table_is_told_at_once() -> None:
    lines = _changed("A17", suites="")

    with pytest.raises(CircuitError) as refusal:
        read("planted", lines)

    assert str(refusal.value).count("row ") == 3


def test_a_row_that_only_a_contest_leads_to_is_reachable() -> None:
    by_contest = _line("A25", "moa>titulaire:A8").replace(";oui;;titulaire", ";non;;titulaire")

    circuit = read("planted", [*_changed("A20", suites_si_contestee="A20 A25"), by_contest])

    assert not circuit["A25", True].is_opener


def test_the_other_cadres_are_only_rows_to_add() -> None:
    openers = [
        line.replace(";non;;", ";oui;;", 1) if line.split(";")[0] in {"A15", "A19"} else line
        for line in LINES
    ]
    rows = [
        _line("A5", "titulaire>moa:A19"),
        _line("A22", "titulaire>moa:A25 A23 A24"),
        _line("A23", "titulaire>service_financier:"),
        _line("A24", "moe>service_financier:"),
        _line("A25", "moa>service_financier:"),
        _line("A4", "titulaire>moe:A16", moa="non"),
        _line("A16", "moe>service_financier:", moa="non"),
        _line("A6", "titulaire>service_financier:", moa="non"),
        _line("A7", "titulaire>moe:A18", moa="non"),
        _line("A18", "moe>titulaire:A8", moa="non"),
        _line("A8", "titulaire>service_financier:", moa="non"),
    ]

    circuit = read("grown", [*openers, *rows])

    assert circuit.openers(Role.MOE) == ("A15", "A24")
    assert circuit.openers(Role.TITULAIRE, moa=False) == ("A4", "A6", "A7", "A8")
    assert circuit.followers(circuit["A22", True], Role.MOA) == ("A25",)
    assert Role.MOA in circuit.roles_ahead(circuit["A5", True])
