"""Generator of the architecture page: three diagrams, and the table of where to change what."""

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from deploy.local.platform import ASKING
from docs.generators.openapi import build_openapi, build_services
from docs.generators.places import PLACES, ROOT, Place
from shared.circuit.loader import load_current
from shared.circuit.statuses import TRANSITIONS, Act, Reason
from shared.circuit.table import Circuit, Phase, Row
from shared.contracts.topics import ACTEUR, DOSSIER, PIECE_DEPOSEE, STATUT, TOPICS, Topic
from shared.vocabulary.roles import Role

_PAGE = """# Architecture

Written by `make docs` from the code. What each folder holds: [CONTRIBUTING](../CONTRIBUTING.md#where-things-are). Why it is so: [choices](choices.md#design).

## Services and topics
A full arrow is a topic: who writes it, who reads it. A dotted arrow is a question over HTTP. Rounded: outside the platform. Each topic, with its key, its events and its retention: [topics](topics.md).

```mermaid
{topics}
```

## The way of a piece
A payment during the contract, with a MOA: from the first deposit to the payment. Every other way: [circuit](circuit.md).

```mermaid
{journey}
```

## Layers
What stands above may import what stands below, never the reverse; names on one line do not import one another. `make check` holds it, and the other contracts of `pyproject.toml` beside it: a domain is pure, a service imports no other.

```mermaid
{layers}
```

## To change X, open Y
| to change | open | then |
| --- | --- | --- |
{places}"""  # noqa: E501 - a paragraph of Markdown is a line


def render_architecture() -> str:
    """Render the page."""
    return _PAGE.format(
        topics=draw_topics(),
        journey=draw_journey(load_current()),
        layers=draw_layers(read_layers()),
        places="".join(_format_row(place) for place in PLACES),
    )


def draw_topics(topics: Sequence[Topic] = TOPICS) -> str:
    """Draw the diagram of topics: who writes and reads each one, which service calls which."""
    services = build_services()
    # The topics of the roles differ only in their name: they share one node.
    groups: dict[tuple[object, ...], list[Topic]] = {}
    for topic in topics:
        groups.setdefault((topic.owner, topic.payloads, topic.consumers), []).append(topic)
    outside = dict.fromkeys(
        reader for topic in topics for reader in topic.consumers if reader not in services
    )
    lines = [
        "flowchart LR",
        *(f'{name}["{name}"]' for name in services),
        *(f'{_make_node_id(name)}(["{name}"])' for name in outside),
    ]
    for group in groups.values():
        node = _make_node_id(group[0].name)
        lines.append(f'{node}[/"{_format_shared_name(group)}"/]')
        lines.append(f"{group[0].owner} --> {node}")
        readers = [name for name in services if group[0] in services[name][0].subscriptions]
        readers += [each for each in group[0].consumers if each in outside]
        lines += [f"{node} --> {_make_node_id(reader)}" for reader in readers]
    lines += [f"{asking} -.-> {asked}" for asking in ASKING for asked in ASKING[asking]]
    return "\n    ".join(lines)


def draw_journey(circuit: Circuit) -> str:
    """Draw the journey of a payment, from its first piece to the last act on its last piece."""
    rows = [*_walk_journey(circuit)]
    deposit, (routing,) = PIECE_DEPOSEE.owner, PIECE_DEPOSEE.consumers
    lines = [
        "sequenceDiagram",
        f"actor {rows[0].depositor}",
        *(f"participant {service}" for service in (deposit, routing)),
        *(f"actor {row.recipient}" for row in rows),
    ]
    for row in rows:
        lines.append(
            f"{row.depositor}->>{deposit}: {_find_post_route(deposit)} : {row.cadre}, {row.label}"
        )
        lines.append(f"{deposit}->>{routing}: {PIECE_DEPOSEE.name}")
        lines.append(f"{routing}->>{row.recipient}: {ACTEUR[row.recipient].name}")
    payer = rows[-1].recipient
    acts = ", ".join(_list_acts(payer))
    lines.append(f"{payer}->>{routing}: {_find_post_route(routing)} : {acts}")
    published = " and ".join(
        f"{topic.name} to {', '.join(topic.consumers)}" for topic in (STATUT, DOSSIER)
    )
    lines.append(f"Note over {deposit},{routing}: after each step, {routing} writes {published}")
    return "\n    ".join(lines)


def read_layers(file: Path = ROOT / "pyproject.toml") -> Sequence[Mapping[str, Any]]:
    """Read the import contracts that order packages in layers."""
    contracts = tomllib.loads(file.read_text(encoding="utf-8"))["tool"]["importlinter"]["contracts"]
    return [each for each in contracts if each["type"] == "layers"]


def draw_layers(contracts: Sequence[Mapping[str, Any]]) -> str:
    """Draw the diagram of layers: those of each import contract, the highest first."""
    lines = ["flowchart TB"]
    for number, contract in enumerate(contracts):
        lines.append(f'subgraph c{number}["{_format_title(contract["containers"])}"]')
        nodes = [f"c{number}l{rank}" for rank in range(len(contract["layers"]))]
        for node, layer in zip(nodes, contract["layers"], strict=True):
            # Brackets mean that a package may lack the layer.
            shown = layer.replace("(", "").replace(")", "").replace(" | ", " · ")
            lines.append(f'{node}["{shown}"]')
        lines.append(" --> ".join(nodes))
        lines.append("end")
    return "\n    ".join(lines)


def _walk_journey(circuit: Circuit) -> Iterator[Row]:
    """Walk the circuit from the opener of the titulaire to the piece for the service financier."""
    row = next(
        row
        for row in circuit.rows
        if row.is_opener
        and row.moa_present
        and row.phase is Phase.EN_COURS
        and row.depositor is Role.TITULAIRE
    )
    yield row
    while not row.is_final:
        row = circuit.list_next_rows(row)[0]
        yield row


def _list_acts(role: Role) -> Sequence[Act]:
    """List the acts of a role on a piece that need no explanation."""
    found = (each.act for each in TRANSITIONS if each.role is role and each.reason is Reason.NONE)
    return [*dict.fromkeys(found)]


def _find_post_route(service: str) -> str:
    """Find the first POST route of a service."""
    paths = build_openapi()[service]["paths"]
    return f"POST {next(path for path, item in paths.items() if 'post' in item)}"


def _format_shared_name(topics: Sequence[Topic]) -> str:
    """Format the common name of topics that differ in one part of their names."""
    parts = [{*part} for part in zip(*(topic.name.split(".") for topic in topics), strict=True)]
    return ".".join("ROLE" if part == {*Role} else " or ".join(sorted(part)) for part in parts)


def _format_title(packages: Sequence[str]) -> str:
    """Format the names of packages with one parent."""
    names = [package.rpartition(".")[2] for package in packages]
    return packages[0] if len(packages) == 1 else packages[0].replace(names[0], ", ".join(names))


def _make_node_id(name: str) -> str:
    return "".join(character if character.isalnum() else "_" for character in name)


def _format_row(place: Place) -> str:
    return f"| {place.change} | {'<br>'.join(map(_format_place, place.open))} | {place.then} |\n"


def _format_place(where: tuple[str, str]) -> str:
    path, symbol = where
    return f"`{path}`" + (f" `{symbol}`" if symbol else "")
