"""Malforms records: bytes, keys and headers that any client may write to a topic."""

import json
from collections.abc import Callable, Sequence
from copy import deepcopy
from dataclasses import replace
from functools import cache
from random import Random
from typing import Any

from tests.kit.malformed import RawRecord, build_malformed_records

_SOUND = {
    "id": "fuzz-wild",
    "type": "fr.aiguillage.piece.deposee.v1",
    "source": "/fuzz",
    "subject": "fuzz-0",
    "specversion": "1.0",
    "time": "2026-11-24T09:30:00Z",
}
Malformation = Callable[[Random, RawRecord], RawRecord]
_SCALARS: Sequence[Any] = (
    None, True, -1, 0, 2**31, 2**63, 2**64, 10**12, 10**400, 1.5, -0.0, "", " ", "0", "-1",
    "9" * 10, "9" * 400, "\u202e", "\u0000", "\ud83d\ude00", "\ufdfa" * 60,
    "e" + "\u0301" * 2_000, "x" * 9_000, [], {}, [[]], {"$where": 1},
    "0001-01-01T00:00:00Z", "9999-12-31T23:59:59.999999999+14:00", "2026-11-24T09:30:00",
)  # fmt: skip


def _a_scalar(rng: Random) -> Any:  # noqa: ANN401 - any JSON
    """Choose a value and copy it: two records must not share a list."""
    return deepcopy(rng.choice(_SCALARS))


def _wrap_json_change(change: Callable[[Random, dict[str, Any]], object]) -> Malformation:
    """Turn a change of a decoded event into a malformation of a record."""

    def malform(rng: Random, raw: RawRecord) -> RawRecord:
        try:
            event = json.loads(raw.value or b"")
            if isinstance(event, dict) and event:
                change(rng, event)
            return replace(raw, value=json.dumps(event).encode())
        except (ValueError, RecursionError):
            return raw  # an earlier malformation left no JSON, or one too deep for Python

    malform.__name__ = change.__name__.strip("_")
    return malform


def _list_places(node: Any) -> list[tuple[Any, Any]]:  # noqa: ANN401 - any JSON
    """List every place of a document: the container, and the key or rank in it."""
    keys = (
        list(node) if isinstance(node, dict) else range(len(node)) if isinstance(node, list) else ()
    )
    return [place for key in keys for place in ((node, key), *_list_places(node[key]))]


def _change_field(rng: Random, event: dict[str, Any]) -> None:
    for _ in range(rng.choice((1, 1, 2, 6))):
        container, key = rng.choice(_list_places(event))
        container[key] = _a_scalar(rng)


def _drop_field(rng: Random, event: dict[str, Any]) -> None:
    container, key = rng.choice(_list_places(event))
    del container[key]


def _add_field(rng: Random, event: dict[str, Any]) -> None:
    places = [container for container, _ in _list_places(event) if isinstance(container, dict)]
    rng.choice(places)[rng.choice(("", "$set", "a.b", "__class__", "x" * 900))] = _a_scalar(rng)


def _jump(rng: Random, event: dict[str, Any]) -> None:
    number = rng.choice((0, -1, 2, 7, 10**9, 10**10, 10**12, 2**31, 2**63 - 1, 2**63, 10**30))
    if rng.random() < 0.5:
        event["sequence"] = rng.choice((number, number, f"{number:010d}"))
    elif isinstance(event.get("data"), dict):
        event["data"]["version"] = number


def _write_long(rng: Random, event: dict[str, Any]) -> None:
    container, key = rng.choice(_list_places(event))
    container[key] = rng.choice(("x", "é", "\u0000")) * rng.choice((20_000, 150_000))


def _repeat_list(rng: Random, event: dict[str, Any]) -> None:
    lists = [
        each[key] for each, key in _list_places(event) if isinstance(each[key], list) and each[key]
    ]
    if lists:
        found = rng.choice(lists)
        found *= rng.choice((2, 100, 2_000)) if len(json.dumps(found)) < 300 else 2


def _flip(rng: Random, raw: RawRecord) -> RawRecord:
    changed = bytearray(raw.value or b"")
    for _ in range(rng.choice((1, 3, 30))):
        if changed:
            changed[rng.randrange(len(changed))] = rng.randrange(256)
    return replace(raw, value=bytes(changed))


def _cut(rng: Random, raw: RawRecord) -> RawRecord:
    return replace(raw, value=(raw.value or b"")[: rng.randrange(len(raw.value or b"") + 1)])


def _take_known(rng: Random, _: RawRecord) -> RawRecord:
    """Choose a malformed record of `tests/kit/malformed.py` instead."""
    return rng.choice(_build_known_records())


@cache
def _build_known_records() -> Sequence[RawRecord]:
    """Build the malformed records of the kit; cached, as it takes a while."""
    data = {"dossier_id": "fuzz-0", "version": 1, "file": {"size_bytes": 1}}
    return list(
        build_malformed_records(
            {**_SOUND, "sequence": "0000000001", "dossierid": "fuzz-0", "data": data}
        )
    )


MALFORMATIONS: Sequence[Malformation] = (
    *map(_wrap_json_change, (_change_field, _change_field, _drop_field, _add_field, _jump, _jump)),
    *map(_wrap_json_change, (_write_long, _repeat_list)),
    _flip,
    _cut,
    _take_known,
    _take_known,
    _take_known,
)


def malform(rng: Random, raw: RawRecord) -> tuple[str, RawRecord]:
    """Malform a record in none to three ways; return their names and the record."""
    done = []
    for _ in range(rng.choice((0, 1, 1, 1, 2, 3))):
        malformation = rng.choice(MALFORMATIONS)
        raw = malformation(rng, raw)
        done.append(malformation.__name__.strip("_"))
    return " + ".join(done) or "as it is", raw
