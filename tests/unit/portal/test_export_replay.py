"""The verifier replays a trail as routing does: what routing shows of a dossier, it expects."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any, get_args

from services.portal.domain.verifier.verify import UNREADABLE, Circuit, Story, find_differences
from services.routing.adapters.documents import write_event
from services.routing.domain.dossier import replay
from services.routing.domain.events import AdditionRefused, Event, PieceCompleted, PieceReceived
from services.routing.entrypoints.http.answers import DossierAnswer
from shared.vocabulary.levels import LEVEL
from tests.unit.portal.export_builders import WORDS
from tests.unit.routing.test_properties import Walk

_SEEDS = (498, *range(150))
"""The first walk ends by an offer, which few do."""
_KINDS = 10
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
    return DossierAnswer.of(dossier, LEVEL).model_dump(mode="json")


def differences(events: Sequence[Event], seen: Mapping[str, Any]) -> list[str]:
    story = Story(Circuit(WORDS))
    for version, event in enumerate(events, 1):
        story.take(version, json.loads(json.dumps(write_event(event))))
    return list(find_differences(seen, story.describe_dossier(len(events))))


def test_whatever_happens_to_a_dossier_is_expected_as_routing_shows_it() -> None:
    kinds: Counter[str] = Counter()
    changes = 0
    for seed in _SEEDS:
        events = a_trail(seed)
        seen = shown(events)
        kinds.update(type(event).__name__ for event in events)
        changes += sum(len(piece["changes"]) for piece in seen["pieces"])

        assert differences(events, seen) == [], seed

    assert len(kinds) == _KINDS, kinds
    assert changes > len(_SEEDS)


def test_an_event_that_is_left_out_is_missed() -> None:
    """The comparison can fail, for each kind of event that a dossier shows."""
    wanted = {*get_args(Event)} - {PieceReceived, AdditionRefused}
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
