"""Facts of a dossier's life, each logged as one line: the table of their names and fields.

The facts `deposit`, `hop`, `status`, `delay` and `reminder` are read from the payload of a message,
`act` from `Outgoing.act`: whoever publishes a `StatusChanged` logs the fact `status`. The runtime
notes the other facts where they happen.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from operator import attrgetter
from typing import Any

from shared.contracts.deposit_v1 import PieceCompleted, PieceContested, PieceDeposited
from shared.contracts.envelope import Event, Payload
from shared.contracts.routing_v1 import (
    DelayElapsed,
    DelayReminded,
    PieceForwarded,
    StatusChanged,
)

Fields = Mapping[str, str]
IDS = ("dossier_id", "piece_id", "message_id", "correlation_id")
"""Ids on the line of a fact: those of them that it has."""


@dataclass(frozen=True, slots=True)
class Fact:
    """One row of the table: a fact, and what its line holds beside `IDS`."""

    name: str
    meaning: str
    fields: tuple[str, ...]
    level: str = "info"


DEPOSIT = Fact(
    "deposit",
    "a piece was taken in, or files for one that is suspended or contested",
    ("cadre", "number", "role", "structure"),
)
ACT = Fact("act", "an actor did something to a piece", ("cadre", "act", "role", "structure"))
HOP = Fact("hop", "a piece was forwarded to an actor", ("cadre", "role", "structure", "purpose"))
STATUS = Fact("status", "a piece took a status", ("cadre", "status", "previous", "motive"))
DELAY = Fact("delay", "the delay of an actor passed", ("cadre", "delay", "role", "structure"))
REMINDER = Fact("reminder", "the delay of an actor ends soon", DELAY.fields)
PUBLICATION = Fact("publication", "the broker has acknowledged a message", ("topic", "type"))
DELIVERY = Fact("delivery", "a message took effect in a service", ("topic", "type"))
DEAD_LETTER = Fact(
    "dead_letter",
    "a message could not be handled, and waits for an operator",
    ("topic", "entry", "reason"),
    # Level error: it alerts an operator, and must be seen by whoever reads errors only.
    "error",
)

FACTS = (DEPOSIT, ACT, HOP, STATUS, DELAY, REMINDER, PUBLICATION, DELIVERY, DEAD_LETTER)

_BY = {"role": "by.role", "structure": "by.structure"}
_FACT_OF: Mapping[type[Payload], tuple[Fact, Mapping[str, str]]] = {
    PieceDeposited: (
        DEPOSIT,
        {
            "cadre": "cadre",
            "number": "number",
            "role": "depositor_role",
            "structure": "depositor.structure",
        },
    ),
    PieceCompleted: (DEPOSIT, _BY),
    PieceContested: (DEPOSIT, _BY),
    PieceForwarded: (
        HOP,
        {
            "cadre": "cadre",
            "role": "role",
            "structure": "recipient.structure",
            "purpose": "purpose",
        },
    ),
    StatusChanged: (STATUS, {name: name for name in STATUS.fields}),
    DelayElapsed: (DELAY, {name: name for name in DELAY.fields}),
    DelayReminded: (REMINDER, {name: name for name in REMINDER.fields}),
}
"""Fact that each payload states, and where the payload holds each of its fields."""
_READERS = {
    payload: (fact, tuple(fields), attrgetter(*fields.values()))
    for payload, (fact, fields) in _FACT_OF.items()
}


def list_facts(event: Event[Any], act: str | None) -> Iterator[tuple[Fact, Fields]]:
    """List the facts that a message states, with their fields; `act` is its `Outgoing.act`."""
    found = _READERS.get(type(event.data))
    if found is None:
        return
    if act is not None:
        by, cadre = event.data.by, event.data.cadre
        yield ACT, {"cadre": cadre, "act": act, "role": by.role, "structure": by.structure}
    fact, names, read = found
    yield (
        fact,
        {
            name: value
            for name, value in zip(names, read(event.data), strict=True)
            if value is not None
        },
    )
