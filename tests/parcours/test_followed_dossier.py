"""One dossier is followed by one grep of the logs and by one trace, as docs/operate.md shows it."""

import re
from collections import Counter
from collections.abc import AsyncIterator, Iterable

import pytest
import pytest_asyncio

from shared.contracts.facts import FACTS
from tests.kit.receivers import Seen
from tests.parcours.followed import Followed, Line, follow_dossier, list_blocks, read_section

_READERS = {
    "travaux.piece.deposee.v1": {"routing"},
    "travaux.statut.v1": {"notification"},
    "travaux.dossier.v1": {"deposit", "portal"},
    "travaux.acteur.moe.v1": set[str](),
    "travaux.acteur.moa.v1": set[str](),
    "travaux.acteur.service_financier.v1": set[str](),
    "travaux.echeance.v1": set[str](),
}
_ROOTS = [
    ("deposit", "POST /deposit/v1/pieces", ["deposit"]),
    ("routing", "jobs delays", ["delay"]),
    ("deposit", "POST /deposit/v1/pieces", ["deposit"]),
    ("deposit", "POST /deposit/v1/pieces", ["deposit"]),
    ("routing", "POST /routing/v1/pieces/{piece_id}/treatments", ["act", "status"]),
    ("routing", "POST /routing/v1/pieces/{piece_id}/treatments", ["act", "status"]),
    ("routing", "POST /routing/v1/pieces/{piece_id}/treatments", ["act", "status"]),
]
_CLIENT_LINK = "4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7"
_CHANGING = re.compile(r"\d+ ms|\d{4}-\d\d-\d\dT[\d:.]+Z|(?<=-2026-)\d{3}|\b[0-9a-f]{8}-[0-9a-f-]+")


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def followed() -> AsyncIterator[Followed]:
    async with follow_dossier() as carried:
        yield carried


@pytest.fixture(scope="module")
def lines(followed: Followed) -> list[Line]:
    return [line for line in followed.read_lines() if line["event"].startswith("fact.")]


def test_each_fact_is_logged_once(lines: list[Line]) -> None:
    said = Counter((line["event"], line["message_id"], line["service"]) for line in lines)

    assert [fact for fact, times in said.items() if times > 1] == []
    assert Counter(line["event"] for line in lines) == {
        "fact.deposit": 3,
        "fact.delay": 1,
        "fact.act": 5,
        "fact.status": 11,
        "fact.hop": 3,
        "fact.publication": 25,
        "fact.delivery": 28,
    }


def test_a_line_has_every_id(followed: Followed, lines: list[Line]) -> None:
    for line in lines:
        about_a_piece = line.get("topic") != "travaux.dossier.v1"
        assert line["dossier_id"] == line["correlation_id"] == followed.dossier_id
        assert ("piece_id" in line) == about_a_piece
        assert line["level"] == "info"


def test_lines_are_in_the_order_of_cause_and_effect(lines: list[Line]) -> None:
    places: dict[tuple[str, str], int] = {}
    for place, line in enumerate(lines):
        places.setdefault((line["message_id"], line["event"]), place)
    for (message_id, event), place in places.items():
        if event in {"fact.publication", "fact.delivery"}:
            assert place > places.get((message_id, "fact.status"), -1)
        if event == "fact.delivery":
            assert place > places[message_id, "fact.publication"]


def test_a_message_is_delivered_to_each_reader_of_its_topic(lines: list[Line]) -> None:
    for line in lines:
        if line["event"] == "fact.publication":
            message_id = line["message_id"]
            taken = {
                each["service"]
                for each in lines
                if (each["event"], each["message_id"]) == ("fact.delivery", message_id)
            }
            assert taken == _READERS[line["topic"]]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def spans(followed: Followed) -> list[Seen]:
    """The spans of the trace whose id is the dossier's, oldest first."""
    found = await followed.receiver.list_spans(followed.dossier_id)
    return sorted(found, key=lambda span: int(span["started_ns"]))


def test_the_trace_has_a_span_for_each_publication_and_each_delivery(
    spans: list[Seen], lines: list[Line]
) -> None:
    assert len({span["id"] for span in spans}) == len(spans) == 25 + 28 + 7
    wanted = Counter(
        (line["event"].removeprefix("fact."), line["topic"], line["service"], line["message_id"])
        for line in lines
        if "topic" in line
    )
    assert wanted == Counter(
        (*span["name"].split(), span["service"], span["attributes"]["messaging.message.id"])
        for span in spans
        if span["kind"] in {"PRODUCER", "CONSUMER"}
    )


def test_a_span_is_below_the_one_that_caused_it(spans: list[Seen]) -> None:
    by_id = {span["id"]: span for span in spans}
    for span in spans:
        parent = by_id.get(span["parent"])
        if span["kind"] == "CONSUMER":
            assert parent is not None
            assert parent["kind"] == "PRODUCER"
            assert (
                parent["attributes"]["messaging.message.id"]
                == (span["attributes"]["messaging.message.id"])
            )
            # W3C: the id of a publication is that which its record names.
            assert (
                span["parent"] == span["attributes"]["messaging.message.id"].replace("-", "")[16:]
            )
        elif span["kind"] == "PRODUCER":
            assert parent is not None
            assert parent["service"] == span["service"]
            assert parent["kind"] != "PRODUCER"
        else:
            assert span["parent"] is None


def test_a_tree_begins_by_each_act_from_outside(spans: list[Seen]) -> None:
    roots = [span for span in spans if span["parent"] is None]

    assert [
        (span["service"], span["name"], [event["name"] for event in span["events"]])
        for span in roots
    ] == _ROOTS
    linked = [span["links"] for span in roots if span["kind"] == "SERVER"]
    assert linked == [[_CLIENT_LINK]] * 6
    statuses = {span["attributes"].get("http.response.status_code") for span in roots}
    assert statuses == {200, 201, None}


def test_what_a_delivery_made_happen_is_among_its_events(spans: list[Seen]) -> None:
    hops = [span for span in spans if span["name"] == "delivery travaux.piece.deposee.v1"]

    assert [[event["name"] for event in span["events"]] for span in hops] == [
        ["status", "status", "hop"],
        ["status", "act", "status", "status", "hop"],
        ["status", "act", "status", "status", "hop"],
    ]


async def test_the_page_shows_the_life_as_it_is_printed(followed: Followed) -> None:
    assert simplify(await followed.print_life()) == simplify(list_blocks("text")[0])


async def test_the_page_shows_the_trace_as_it_is_drawn(followed: Followed) -> None:
    drawn, shown = await followed.draw_trace(), list_blocks("text")[1]

    assert sort_tree(simplify(drawn)) == sort_tree(simplify(shown))


def simplify(text: str) -> list[str]:
    """Replace ids, times and durations, which differ in each run."""
    return [_CHANGING.sub("…", line) for line in text.strip().splitlines()]


def sort_tree(lines: Iterable[str]) -> list[str]:
    """Sort the publications of one cause: those of one millisecond are drawn in any order."""
    ordered: list[list[str]] = []
    for line in lines:
        name = line.strip()
        is_leaf = " publication " in name and "piece.deposee" not in name
        if is_leaf and ordered and len(ordered[-1]) > 0 and ordered[-1][0] == "leaves":
            ordered[-1].append(line)
        else:
            ordered.append(["leaves", line] if is_leaf else ["", line])
    return [line for group in ordered for line in sorted(group[1:])]


def test_the_page_names_each_fact_and_its_fields() -> None:
    rows = re.findall(r"^\| `(\w+)` \| ([^|]+) \| ([^|]+) \|$", read_section(), re.MULTILINE)

    assert [(name, fields) for name, _, fields in rows] == [
        (fact.name, ", ".join(f"`{field}`" for field in fact.fields)) for fact in FACTS
    ]
    assert [meaning for _, meaning, _ in rows] == [fact.meaning for fact in FACTS]
