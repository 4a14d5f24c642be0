"""The pages of the rules and of the circuit: whole, and drawn in what GitHub can read."""

import ast
import importlib
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from docs.generators.circuit import draw_circuit, render_circuit
from docs.generators.rules import PROBLEM_CODES, find_rules, render_rules
from shared.circuit.loader import load_current, load_version
from shared.circuit.statuses import TRANSITIONS
from shared.circuit.table import Circuit, Phase

ROOT = Path(__file__).parents[2]
PARTS = [(phase, moa) for phase in Phase for moa in (True, False)]

# What of Mermaid the page uses, checked once against its own parser (11.17).
_NODE = re.compile(
    r'(\w+)(\(\["[^"<>]+(<br/>[^"<>]+)*"\]\)|\[{1,2}"[^"<>]+(<br/>[^"<>]+)*"\]{1,2})'
)
_ARROW = re.compile(r'(\w+) -\.?->(?:\|"([^"|]+)"\|)? (\w+)')
_CODE = re.compile(r"(?!HTTP-\d+$)[A-Z]+(-[A-Z0-9]+)*-\d+")
"""Any code but `HTTP-` and its status, which the page states for all of them."""
_NO_CODES = {"SHA-256", "P-256"}
_STYLE = re.compile(r"classDef plateforme stroke-dasharray: 4 3|class \w+(,\w+)* plateforme")


def test_every_rule_that_the_source_writes_is_on_the_page_once() -> None:
    written = [*_written("shared"), *_written("services")]
    page = render_rules()

    assert len(written) > 90
    assert sorted(written) == sorted(find_rules())
    assert [code for code in written if page.count(f"| `{code}` |") != 1] == []


def test_every_code_that_the_source_writes_is_on_the_page() -> None:
    codes = {*_written_codes("shared"), *_written_codes("services")} - _NO_CODES

    assert {"HTTP-FORM-01", "DEP-FILE-13", "DEP-503"} <= codes
    assert codes == {*find_rules(), *PROBLEM_CODES}
    page = render_rules()
    assert [code for code in codes if page.count(f"| `{code}` |") != 1] == []


def test_a_rule_is_found_wherever_it_is_and_two_cannot_share_a_code(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "planted_rules"
    (package / "deep").mkdir(parents=True)
    rule = "from shared.vocabulary.rules import Rule\nX = Rule(code={!r}, sentence='s', remedy='r', source='o')\n"  # noqa: E501
    (package / "__init__.py").touch()
    (package / "deep" / "__init__.py").touch()
    (package / "deep" / "unlisted.py").write_text(rule.format("ZZZ-A-01"), encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    planted = importlib.import_module("planted_rules")

    assert find_rules((planted,)).keys() == {"ZZZ-A-01"}

    (package / "other.py").write_text(rule.format("ZZZ-A-01"), encoding="utf-8")
    importlib.invalidate_caches()
    with pytest.raises(ValueError, match="ZZZ-A-01 is in planted_rules"):
        find_rules((planted,))


@pytest.mark.parametrize(
    "circuit", [load_current(), load_version("2026-1")], ids=lambda each: each.version
)
@pytest.mark.parametrize(("phase", "moa"), PARTS)
def test_a_diagram_draws_every_row_and_every_follower(
    circuit: Circuit, phase: Phase, *, moa: bool
) -> None:
    first, *lines = (line.strip() for line in draw_circuit(circuit, phase, moa=moa).splitlines())
    nodes = [match[1] for line in lines if (match := _NODE.fullmatch(line))]
    arrows = [match.groups() for line in lines if (match := _ARROW.fullmatch(line))]
    rows = [row for row in circuit.rows if row.phase is phase and row.moa_present is moa]

    assert first == "flowchart LR"
    styles = [line for line in lines if _STYLE.fullmatch(line)]
    assert len(nodes) + len(arrows) + len(styles) == len(lines), "a line is no Mermaid we know"
    assert len({*nodes}) == len(nodes)
    assert {end for start, _, end in arrows} | {start for start, _, end in arrows} <= {*nodes}
    assert {row.cadre for row in rows} <= {*nodes}
    for row in rows:
        drawn = [end for start, _, end in arrows if start == row.cadre]
        expected = [after.cadre for after in circuit.list_every_next(row)]
        assert sorted(drawn) == sorted([*expected, *["PAIEMENT"] * row.is_final])


def test_every_row_act_and_delay_has_its_line_with_its_source() -> None:
    page = render_circuit()
    lines = page.splitlines()

    for row in load_current().rows:
        found = [line for line in lines if line.startswith(f"| **{row.cadre}** |")]
        assert any(row.source in line and row.label in line for line in found), row.cadre
    assert len([line for line in lines if line.startswith("| **")]) == len(load_current().rows)
    assert all(each.source in page for each in load_current().delays)
    assert all(f"`{each.target}`" in page for each in TRANSITIONS)


def test_the_moa_parameter_has_a_line_for_each_case() -> None:
    page = render_circuit()
    table = page.partition("## Paramètre « maîtrise d'ouvrage »")[2].partition("\n## ")[0]

    assert [line.split(" | ")[-2:] for line in table.splitlines() if line.startswith("| ")][2:] == [
        ["le circuit avec maîtrise d'ouvrage", " |"],
        ["le circuit avec maîtrise d'ouvrage", " |"],
        ["refus `CIR-MOA-01`", "maîtrise d'ouvrage |"],
        ["refus `CIR-MOA-02`", "service financier |"],
        ["le circuit sans maîtrise d'ouvrage", " |"],
        ["refus `CIR-MOA-03`", "service financier |"],
    ]
    assert (
        "\n| une autre structure | avec maîtrise d'ouvrage ou exclusivement maîtrise d'ouvrage "
        "| avec maîtrise d'ouvrage ou sans maîtrise d'ouvrage | le circuit avec" in table
    )
    assert "\n| indifférent | indifférent | exclusivement maîtrise d'ouvrage | refus" in table


def _written_codes(package: str) -> Iterator[str]:
    """Read all that has the form of a code in the source, whatever it is given to."""
    for path in (ROOT / package).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and _CODE.fullmatch(str(node.value)):
                yield str(node.value)


def _written(package: str) -> Iterator[str]:
    """Read the codes in the source, wherever a rule is made."""
    for path in (ROOT / package).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Rule":
                yield from (
                    each.value.value
                    for each in node.keywords
                    if each.arg == "code"
                    and isinstance(each.value, ast.Constant)
                    and isinstance(each.value.value, str)
                )
