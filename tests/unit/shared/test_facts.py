"""The table of facts, and which of them each message says."""

from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter

from shared.contracts.envelope import Event
from shared.contracts.facts import FACTS, list_facts
from shared.contracts.topics import TOPICS

GOLDEN = Path(__file__).parents[2] / "contracts" / "golden"
PAYLOADS = {payload.event_type: payload for topic in TOPICS for payload in topic.payloads}
TITULAIRE = {"role": "titulaire", "structure": "90000000100017"}
SAID = {
    "piece.deposee.v1": ("deposit", {"cadre": "A4", "number": "SIT-2026-11", **TITULAIRE}),
    "piece.completee.v1": ("deposit", TITULAIRE),
    "piece.contestee.v1": ("deposit", TITULAIRE),
    "piece.acheminee.v1": (
        "hop",
        {"cadre": "A4", "role": "moe", "structure": "90000000200015", "purpose": "action"},
    ),
    "piece.statut.v1": (
        "status",
        {
            "cadre": "A4",
            "status": "REFUSEE_MOE",
            "previous": "A_ASSOCIER_MOE",
            "motive": "MAUVAISE_MOA",
        },
    ),
    "dossier.rappel.v1": (
        "reminder",
        {"cadre": "A19", "delay": "paiement", "role": "service_financier"}
        | {"structure": "90000000300013"},
    ),
    "dossier.echeance.v1": ("delay", {"cadre": "A10", "delay": "validation", **TITULAIRE}),
}
FIELDS = {
    "deposit": ("cadre", "number", "role", "structure"),
    "act": ("cadre", "act", "role", "structure"),
    "hop": ("cadre", "role", "structure", "purpose"),
    "status": ("cadre", "status", "previous", "motive"),
    "delay": ("cadre", "delay", "role", "structure"),
    "reminder": ("cadre", "delay", "role", "structure"),
    "publication": ("topic", "type"),
    "delivery": ("topic", "type"),
    "dead_letter": ("topic", "entry", "reason"),
}


def golden(event_type: str) -> Event[Any]:
    text = (GOLDEN / f"fr.aiguillage.{event_type}" / "1.json").read_text(encoding="utf-8")
    payload: Any = PAYLOADS[f"fr.aiguillage.{event_type}"]
    event: Event[Any] = TypeAdapter(Event[payload]).validate_json(text)
    return event


def say(event_type: str, act: str | None = None) -> list[tuple[str, dict[str, str]]]:
    return [
        (fact.name, {name: str(value) for name, value in fields.items()})
        for fact, fields in list_facts(golden(event_type), act)
    ]


def test_the_facts_are_these() -> None:
    assert {fact.name: fact.fields for fact in FACTS} == FIELDS
    assert [fact.name for fact in FACTS if fact.level != "info"] == ["dead_letter"]


@pytest.mark.parametrize("event_type", SAID)
def test_a_message_says_its_fact(event_type: str) -> None:
    assert say(event_type) == [SAID[event_type]]


@pytest.mark.parametrize(
    "event_type", sorted(PAYLOADS.keys() - {f"fr.aiguillage.{each}" for each in SAID})
)
def test_no_other_message_says_one(event_type: str) -> None:
    assert say(event_type.removeprefix("fr.aiguillage.")) == []


def test_a_status_says_the_act_that_led_to_it_before() -> None:
    act = ("act", {"cadre": "A4", "act": "refuser", "role": "moe", "structure": "90000000200015"})

    assert say("piece.statut.v1", "refuser") == [act, SAID["piece.statut.v1"]]


def test_no_fact_says_a_field_that_its_row_does_not_name() -> None:
    for event_type in SAID:
        for name, fields in say(event_type, "act" if "statut" in event_type else None):
            assert fields.keys() <= set(FIELDS[name])
