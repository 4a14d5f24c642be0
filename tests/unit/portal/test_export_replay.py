"""The verifier replays a trail as routing does: what routing shows of a dossier, it expects."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any, get_args

from services.portal.domain.export import write_dossier
from services.portal.domain.verifier.verify import UNREADABLE, Circuit, Story, find_differences
from services.routing.adapters.documents import write_event
from services.routing.application.views import DossierView
from services.routing.domain.dossier import replay
from services.routing.domain.events import (
    AdditionRefused,
    DelayReminded,
    Event,
    PieceCompleted,
    PieceReceived,
)
from services.routing.domain.stamps import list_stamps
from services.routing.entrypoints.http.answers import DossierAnswer
from shared.vocabulary.amounts import Amounts
from shared.vocabulary.levels import LEVEL
from tests.unit.portal.export_builders import WORDS
from tests.unit.routing.test_properties import Walk
from tests.unit.routing.test_stamps import suspended_twice

_SEEDS = (498, 635, *range(150))
"""The first walk ends by an offer, and a reminder is sent in the second, as in few."""
_KINDS = 11
_AMOUNTS = ("12000", "12000.0", "11999.99", "-0.5", "9999999999999999.99")
"""Equal ones are written otherwise, and differ in nothing."""


def a_trail(seed: int) -> list[Event]:
    """Walk through the life of a dossier whose pieces differ."""
    walk = Walk(f"export {seed}")
    walk.run()
    return [varied(event, rank) for rank, event in enumerate(walk.trail)]


def varied(event: Event, rank: int) -> Event:
    if isinstance(event, PieceCompleted | AdditionRefused):
        return replace(event, completion=replace(event.completion, attachments=(f"{rank}",)))
    if not isinstance(event, PieceReceived):
        return event
    ttc = Decimal(_AMOUNTS[rank % len(_AMOUNTS)])
    amounts = replace(event.deposit.amounts, ttc=ttc)
    deposit = replace(event.deposit, amounts=amounts, comment=f"Pièce {rank}.")
    return replace(event, deposit=replace(deposit, attachments=(f"{rank}",) * (rank % 3)))


def shown(events: Sequence[Event]) -> dict[str, Any]:
    dossier = replay(events)
    assert dossier
    view = DossierView(dossier, list_stamps(dossier, events))
    answer = DossierAnswer.of(view, LEVEL).model_dump(mode="json")
    exported: dict[str, Any] = json.loads(write_dossier(answer))
    return exported


def differences(events: Sequence[Event], seen: Mapping[str, Any]) -> list[str]:
    return list(find_differences(seen, told(events)))


def told(events: Sequence[Event], *, is_older: bool = False) -> dict[str, Any]:
    story = Story(Circuit(WORDS), is_older)
    for version, event in enumerate(events, 1):
        story.take(version, json.loads(json.dumps(write_event(event))))
    return story.describe_dossier(len(events))


def test_whatever_happens_to_a_dossier_is_expected_as_routing_shows_it() -> None:
    kinds: Counter[str] = Counter()
    changes = again = 0
    for seed in _SEEDS:
        events = a_trail(seed)
        seen = shown(events)
        kinds.update(type(event).__name__ for event in events)
        changes += sum(len(piece["changes"]) for piece in seen["pieces"])
        again += sum(stamp["rank"] > 1 for piece in seen["pieces"] for stamp in piece["stamps"])

        assert differences(events, seen) == [], seed

    assert len(kinds) == _KINDS, kinds
    assert changes > len(_SEEDS)
    assert again > 10


def test_formats_before_have_amounts_as_deposited_and_the_last_stamp_of_each_status() -> None:
    _, events = suspended_twice()
    first = events[0]
    assert isinstance(first, PieceReceived)
    amounts = Amounts(Decimal(10000), Decimal("2000.00"), Decimal("12000.0"), Decimal(12000))
    events[0] = replace(first, deposit=replace(first.deposit, amounts=amounts))

    (older,), (piece,) = (told(events, is_older=each)["pieces"] for each in (True, False))

    assert older["amounts"] == {
        "ht": "10000",
        "tva": "2000.00",
        "ttc": "12000.0",
        "due": "12000",
    }
    assert piece["amounts"] == {
        "ht": "10000.00",
        "tva": "2000.00",
        "ttc": "12000.00",
        "due": "12000.00",
    }
    assert [(stamp["status"], stamp["comment"]) for stamp in older["stamps"]] == [
        ("DEPOSEE", None),
        ("COMPLETEE", "Voici."),
        ("A_ASSOCIER_MOE", None),
        ("SUSPENDUE", "Illisible."),
    ]
    assert [(stamp["status"], stamp["rank"]) for stamp in piece["stamps"]] == [
        ("DEPOSEE", 1),
        ("A_ASSOCIER_MOE", 1),
        ("SUSPENDUE", 1),
        ("COMPLETEE", 1),
        ("A_ASSOCIER_MOE", 2),
        ("SUSPENDUE", 2),
    ]


def test_an_event_that_is_left_out_is_missed() -> None:
    """The comparison can fail, for each kind of event that a dossier shows."""
    wanted = {*get_args(Event)} - {PieceReceived, AdditionRefused, DelayReminded}
    missed: set[type[Event]] = set()
    for seed in _SEEDS:
        events = a_trail(seed)
        seen = shown(events) | {"version": len(events) - 1}
        for rank, event in enumerate(events):
            if type(event) not in {*missed, PieceReceived} and parts(events, rank, seen):
                missed.add(type(event))
        if missed == wanted:
            return
    raise AssertionError(wanted - missed)


def parts(events: Sequence[Event], rank: int, seen: Mapping[str, Any]) -> bool:
    try:
        return differences([*events[:rank], *events[rank + 1 :]], seen) != []
    except UNREADABLE:
        return True
