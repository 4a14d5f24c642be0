"""The page of the architecture: every place that it names exists, and its diagrams are whole."""

import re
from pathlib import Path

import pytest

from docs.generators.__main__ import generate_documents
from docs.generators.architecture import (
    draw_journey,
    draw_layers,
    draw_topics,
    read_layers,
    render_architecture,
)
from docs.generators.openapi import build_services
from docs.generators.places import PLACES, Place, find_missing
from shared.circuit.loader import load_current
from shared.contracts.topics import TOPICS
from shared.vocabulary.roles import Role

# What of Mermaid the page uses.
_LINES = re.compile(
    r"flowchart (LR|TB)|sequenceDiagram|end"
    r'|\w+(\["[^"<>]+"\]|\(\["[^"<>]+"\]\)|\[/"[^"<>]+"/\])'
    r'|subgraph \w+\["[^"<>]+"\]'
    r"|\w+( -->| -\.->) \w+( --> \w+)*"
    r"|(actor|participant) \w+|\w+->>\w+: [^<>#;]+|Note over \w+,\w+: [^<>#;]+"
)


def test_every_place_that_the_page_names_exists() -> None:
    assert [each for place in PLACES for each in find_missing(place)] == []


@pytest.mark.parametrize(
    "where",
    [
        ("shared/gone.py", ""),
        ("shared/runtime/settings.py", "gone"),
        ("shared/runtime/settings.py", "RuntimeSettings.gone"),
        ("shared/runtime/settings.py", "body_timeout_s"),
        ("deploy/watch/rules.yml", "Gone"),
    ],
)
def test_a_place_that_is_gone_is_named(where: tuple[str, str]) -> None:
    assert [*find_missing(Place("something", (where,)))] == [" ".join(where).strip()]


def test_no_placeholder_is_left_in_a_generated_page() -> None:
    pages = {name: text for name, text in generate_documents().items() if name.endswith(".md")}

    assert "docs/architecture.md" in pages
    assert [name for name, text in pages.items() if re.search(r"\{_?[A-Z_]+\}", text)] == []


def test_every_change_has_one_row() -> None:
    changes = [place.change for place in PLACES]

    assert len({*changes}) == len(changes)
    assert render_architecture().count("\n| ") == len(changes) + len(("head", "line"))


@pytest.mark.parametrize(
    "diagram",
    [draw_topics(), draw_journey(load_current()), draw_layers(read_layers())],
    ids=["topics", "journey", "layers"],
)
def test_a_diagram_holds_what_we_know_of_mermaid_alone(diagram: str) -> None:
    lines = [line.strip() for line in diagram.splitlines()]

    assert [line for line in lines if not _LINES.fullmatch(line)] == []


def test_every_topic_is_drawn_from_its_owner_to_each_of_its_readers() -> None:
    drawn = draw_topics()

    arrows = re.findall(r"(\w+) --> (\w+)", drawn)
    for topic in TOPICS:
        role = next((role for role in Role if topic.name.split(".")[2] == role), None)
        named = topic.name.replace(f".{role}.", ".ROLE.") if role else topic.name
        [node] = re.findall(rf'(\w+)\[/"{re.escape(named)}"/\]', drawn)
        readers = {re.sub(r"\W", "_", reader) for reader in topic.consumers}
        assert (topic.owner, node) in arrows
        assert {
            end for start, end in (a for a in arrows if len(a) == 2) if start == node
        } == readers
    assert all(f'{name}["{name}"]' in drawn for name in build_services())


def test_the_way_of_a_piece_goes_from_the_titulaire_to_the_payment() -> None:
    steps = re.findall(r"(\w+)->>(\w+): (.*)", draw_journey(load_current()))

    assert steps[0][:2] == ("titulaire", "deposit")
    assert "A4" in steps[0][2]
    assert steps[-1][:2] == ("service_financier", "routing")
    assert steps[-1][2].endswith("mettre_en_paiement")
    # Whoever receives a piece makes the next step.
    received = [end for start, end, _ in steps if start == "routing"]
    assert received == ["moe", "moa", "service_financier"]


def test_every_layer_of_every_import_contract_is_drawn() -> None:
    drawn = draw_layers(read_layers())

    for contract in read_layers():
        assert all(name.rpartition(".")[2] in drawn for name in contract["containers"])
        layers = re.findall(r"\w+", " ".join(contract["layers"]))
        assert [name for name in layers if name not in drawn] == []
    planted = {"containers": ["services.a", "services.b"], "layers": ["(top) | (side)", "base"]}
    assert [line.strip() for line in draw_layers([planted]).splitlines()] == [
        "flowchart TB",
        'subgraph c0["services.a, b"]',
        'c0l0["top · side"]',
        'c0l1["base"]',
        "c0l0 --> c0l1",
        "end",
    ]


def test_layers_are_read_from_the_import_contracts(tmp_path: Path) -> None:
    file = tmp_path / "pyproject.toml"
    file.write_text(
        '[[tool.importlinter.contracts]]\ntype = "layers"\nname = "a"\n'
        '[[tool.importlinter.contracts]]\ntype = "forbidden"\nname = "b"\n',
        encoding="utf-8",
    )

    assert [each["name"] for each in read_layers(file)] == ["a"]
