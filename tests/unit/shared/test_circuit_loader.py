"""A table that would strand a dossier is refused, and the row at fault is named."""

from pathlib import Path

import pytest

from shared.circuit import loader, statuses
from shared.circuit.loader import CircuitError, load_version, parse_circuit
from shared.circuit.table import Circuit
from shared.vocabulary.roles import Role
from shared.vocabulary.statuses import FINAL

TABLES = Path(loader.__file__).parent / "tables"


def _shipped(name: str) -> list[str]:
    return (TABLES / f"{name}.csv").read_text(encoding="utf-8").splitlines()


LINES, LATER = _shipped("2026-1/cadres"), _shipped("2026-2/cadres")
DELAYS, LATER_DELAYS = _shipped("2026-1/delais"), _shipped("2026-2/delais")


def _read(rows: list[str]) -> Circuit:
    """Read rows planted in a shipped table, with the delays of that table."""
    return parse_circuit("planted", rows, LATER_DELAYS if rows[:1] == LATER[:1] else DELAYS)


def _changed(cadre: str, table: list[str] = LINES, **changes: str) -> list[str]:
    """A shipped table with some cells of the first row of a cadre changed."""
    at = next(i for i, line in enumerate(table) if line.startswith(f"{cadre};"))
    cells = dict(zip(table[0].split(";"), table[at].split(";"), strict=True))
    line = ";".join((cells | changes).values())
    return [*table[:at], line, *table[at + 1 :]]


def _without_column(table: list[str], column: str) -> list[str]:
    at = table[0].split(";").index(column)
    rows = (line.split(";") for line in table)
    return [";".join((*row[:at], *row[at + 1 :])) for row in rows]


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
    """A row by which a cotraitant's piece may be contested, and the row that follows it."""
    row = _line(cadre, "cotraitant>titulaire:A8", moa="non")
    contestable = row.replace(";A8;;", f";A8;{cadre};")
    return [contestable, _line("A8", "titulaire>service_financier:", moa="non")]


@pytest.mark.parametrize(
    ("name", "rows", "delays"),
    [("2026-1", 7, 4), ("2026-2", 27, 9), ("2026-3", 28, 12)],
    ids=["2026-1", "2026-2", "2026-3"],
)
def test_a_shipped_circuit_is_accepted(name: str, rows: int, delays: int) -> None:
    circuit = load_version(name)

    assert (len(circuit.rows), len(circuit.delays)) == (rows, delays)


def test_every_shipped_circuit_is_among_those_tried() -> None:
    assert {path.name for path in TABLES.iterdir() if path.is_dir()} == {
        "2026-1",
        "2026-2",
        "2026-3",
    }


def test_a_table_may_lack_the_later_columns_and_have_blank_lines() -> None:
    assert _read([*LINES, "", ""]).rows == load_version("2026-1").rows
    assert {row.tacit_followers + row.replaces for row in load_version("2026-1").rows} == {()}


def test_a_service_financier_that_cannot_end_a_piece_is_noticed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    endless = tuple(row for row in statuses.TRANSITIONS if row.target not in FINAL)
    monkeypatch.setattr(loader, "TRANSITIONS", endless)

    with pytest.raises(CircuitError, match=r"row A8 .*: its recipient service_financier brings"):
        _read(LINES)


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
            [*LINES, *_contestable("A18")],
            r"row A18 \(without MOA\): contested, its depositor cotraitant may not deposit",
        ),
        (
            [*LINES, _line("A13", "service_financier>moe:A15")],
            r"row A13 .*: suspended, its depositor service_financier may not complete it",
        ),
        (
            [*LINES, _line("A13", "service_financier>moe:A15")],
            r"row A13 .*: to be recycled, its depositor service_financier may not recycle it",
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
            r"row A10 .*: its validator titulaire has deposited it",
        ),
        (
            [*LINES, _line("A10", "sous_traitant>moe:A15", validator="moa")],
            r"row A10 .*: its validator moa may not validate from A_VALIDER_1",
        ),
        (
            [*LINES, _line("A9", "sous_traitant>moe:A15", validator="titulaire")],
            r"row A9 .*: its validator titulaire has no delay",
        ),
        (
            _changed("A20", LATER, suites_tacites="A23"),
            r"row A20 .*: its tacit followers have no delay of its recipient titulaire",
        ),
        (
            _changed("A22", LATER, suites_tacites=""),
            r"row A22 .*: the delay of its recipient moa leads to no follower",
        ),
        (_changed("A22", LATER, suites_tacites=""), r"row A23 \(with MOA\): no opener leads to it"),
        (_changed("A22", LATER, suites_tacites="A6"), r"row A22 .*: its follower A6 has no row"),
        (
            _changed("A22", LATER, remplace="A7 A14 A17 A4"),
            r"row A22 .*: it replaces A4, whose recipient has no delay after which it is offered",
        ),
        (_changed("A22", LATER, remplace="A6"), r"row A22 .*: it replaces A6, which has no row"),
        (
            _changed("A22", LATER, suites="A7"),
            r"row A22 .*: it leads back to itself, not to the service financier",
        ),
        ([*LINES, LINES[1]], r"row A4 .*: stated twice"),
        (LINES[:1], "it has no row"),
        ([*LINES, _line("A100", "moe>moa:A19")], r"row A100 .*: A100 and A100_X are no cadre"),
        ([*LINES, _line("../A6", "moe>moa:A19")], r"row \.\./A6 .* are no cadre"),
        (_changed("A4", code_api="A5_X"), r"row A4 .*: A4 and A5_X are no cadre"),
        (_changed("A4", suites="A15 A15"), r"row A4 .*: a cadre is listed twice"),
        (_changed("A4", libelle=" "), r"row A4 .*: a label, a piece type and a source"),
        (_changed("A4", source=""), r"row A4 .*: a label, a piece type and a source"),
        (_changed("A4", destinataire="maire"), r"row A4: 'maire' is not a valid Role"),
        (_changed("A4", moa_presente="peut-être"), r"row A4: 'peut-être'"),
        (_changed("A4", phase="début"), r"row A4: 'début' is not a valid Phase"),
        ([*LINES, "A5;oui"], r"row A5: zip"),
        ([*LINES, LINES[1] + ";de trop"], r"row A4: zip"),
        ([*LINES, "A5"], r"row A5: zip"),
        (["cadre;suites"], r"columns must be cadre;moa_presente;"),
        (_without_column(LATER, "source"), r"columns must be cadre;moa_presente;"),
        ([f"{line};x" for line in LINES], r"columns must be .*, and may have suites_tacites"),
        ([LATER[0] + ";remplace", *(f"{line};" for line in LATER[1:])], r"columns must be cadre"),
        ([], r"columns must be cadre"),
    ],
)
def test_a_faulty_table_is_refused_and_the_row_named(lines: list[str], fault: str) -> None:
    with pytest.raises(CircuitError, match=fault):
        _read(lines)


@pytest.mark.parametrize(
    ("delays", "fault"),
    [
        ([*DELAYS, "x;x;A20;titulaire;9;attente;signaler;x"], "delay x: titulaire has another one"),
        ([*DELAYS, "x;x;A4;moa;9;attente;signaler;x"], "delay x: no row makes moa awaited on A4"),
        ([*DELAYS, "x;x;A5;moa;9;attente;signaler;x"], "delay x: no row makes moa awaited on A5"),
        ([*DELAYS, "x;x;A15;moa;0;attente;signaler;x"], "delay x: 0 days"),
        ([*DELAYS, "x;x;A15;moa;un;attente;signaler;x"], "delay x: invalid literal"),
        ([*DELAYS, "x;x;A15;maire;9;attente;signaler;x"], "delay x: 'maire' is not a valid Role"),
        ([*DELAYS, "x;x;A15;moa;9;lundi;signaler;x"], "delay x: 'lundi' is not a valid Start"),
        ([*DELAYS, "x;x;A15;moa;9;attente;payer;x"], "delay x: 'payer' is not a valid Effect"),
        ([*DELAYS, "x;x;A15;moa"], "delay x: zip"),
        (DELAYS[1:], "columns of delays must be delai;libelle;"),
        ([], "columns of delays must be delai;libelle;"),
    ],
)
def test_a_faulty_delay_is_refused_and_named(delays: list[str], fault: str) -> None:
    with pytest.raises(CircuitError, match=fault):
        parse_circuit("planted", LINES, delays)


def test_a_delay_is_that_of_the_circuit_by_which_the_dossier_opened() -> None:
    longer = [line.replace(";A4;moe;7;", ";A4;moe;8;") for line in DELAYS]
    delay = parse_circuit("planted", LINES, longer).find_delay("A4", Role.MOE)

    assert delay
    assert delay.days == 8
    assert load_version("2026-1").find_delay("A10", Role.TITULAIRE) is None
    assert load_version("2026-2").find_delay("A10", Role.TITULAIRE)


@pytest.mark.parametrize(
    ("cadre", "depositor", "fault"),
    [
        ("A22", "cotraitant", "it replaces A14, which its depositor cotraitant may not do"),
        ("A24", "moa", "left unanswered, moa may not deposit A24"),
    ],
)
def test_who_may_replace_or_conclude_has_the_act_for_it(
    cadre: str, depositor: str, fault: str
) -> None:
    with pytest.raises(CircuitError, match=fault):
        _read(_changed(cadre, LATER, deposant=depositor))


def test_every_fault_of_a_table_is_told_at_once() -> None:
    lines = _changed("A17", suites="")

    with pytest.raises(CircuitError) as refusal:
        _read(lines)

    assert str(refusal.value).count("row ") == 3


def test_a_row_that_only_a_contest_leads_to_is_reachable() -> None:
    by_contest = _line("A25", "moa>titulaire:A8").replace(";oui;;titulaire", ";non;;titulaire")

    circuit = _read([*_changed("A20", suites_si_contestee="A20 A25"), by_contest])

    assert not circuit["A25", True].is_opener


@pytest.mark.parametrize(("rows", "delays"), [(['"A5'], DELAYS), (LINES, ['"D1'])])
def test_a_file_that_is_no_csv_is_refused_with_the_name_of_the_circuit(
    rows: list[str], delays: list[str]
) -> None:
    with pytest.raises(CircuitError, match=r"circuit planted: unexpected end of data"):
        parse_circuit("planted", rows, delays)
