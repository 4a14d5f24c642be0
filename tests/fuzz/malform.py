"""Malformed records: the bytes, keys and headers that any stranger may write to a topic."""

import gzip
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import Any

Header = tuple[str, bytes]


@dataclass(frozen=True, slots=True)
class Raw:
    """A record before it is sent."""

    value: bytes | None
    key: bytes | None
    headers: Sequence[Header] = ()


_BOMB = gzip.compress(bytes(9_000_000), mtime=0)
Malformation = Callable[[Random, Raw], Raw]
_SCALARS: Sequence[Any] = (
    None, True, -1, 0, 2**31, 2**63, 2**64, 10**12, 10**400, 1.5, -0.0, "", " ", "0", "-1",
    "9" * 10, "9" * 400, "\u202e", "\u0000", "\ud83d\ude00", "\ufdfa" * 60,
    "e" + "\u0301" * 2_000, "x" * 9_000, [], {}, [[]], {"$where": 1},
    "0001-01-01T00:00:00Z", "9999-12-31T23:59:59.999999999+14:00", "2026-11-24T09:30:00",
)  # fmt: skip


def _of_json(change: Callable[[Random, dict[str, Any]], object]) -> Malformation:
    """Turn a change of the decoded event into one of the record."""

    def malform(rng: Random, raw: Raw) -> Raw:
        try:
            event = json.loads(raw.value or b"")
            if isinstance(event, dict) and event:
                change(rng, event)
            return replace(raw, value=json.dumps(event).encode())
        except (ValueError, RecursionError):
            return raw  # what was done before left no JSON, or none that Python can walk

    malform.__name__ = change.__name__.strip("_")
    return malform


def _places(node: Any) -> list[tuple[Any, Any]]:  # noqa: ANN401 - any JSON
    """List every place of a document: its container, and the key or rank in it."""
    keys = (
        list(node) if isinstance(node, dict) else range(len(node)) if isinstance(node, list) else ()
    )
    return [place for key in keys for place in ((node, key), *_places(node[key]))]


def _change_field(rng: Random, event: dict[str, Any]) -> None:
    for _ in range(rng.choice((1, 1, 2, 6))):
        container, key = rng.choice(_places(event))
        container[key] = rng.choice(_SCALARS)


def _drop_field(rng: Random, event: dict[str, Any]) -> None:
    container, key = rng.choice(_places(event))
    del container[key]


def _add_field(rng: Random, event: dict[str, Any]) -> None:
    places = [container for container, _ in _places(event) if isinstance(container, dict)]
    rng.choice(places)[rng.choice(("", "$set", "a.b", "__class__", "x" * 900))] = rng.choice(
        _SCALARS
    )


def _jump(rng: Random, event: dict[str, Any]) -> None:
    number = rng.choice((0, -1, 2, 7, 10**9, 10**10, 10**12, 2**31, 2**63 - 1, 2**63, 10**30))
    if rng.random() < 0.5:
        event["sequence"] = rng.choice((number, number, f"{number:010d}"))
    elif isinstance(event.get("data"), dict):
        event["data"]["version"] = number


def _unknown_type(rng: Random, event: dict[str, Any]) -> None:
    event["type"] = rng.choice(
        ("fr.aiguillage.inconnu.v1", "", "x" * 900, event.get("type", "") + ".v2")
    )


def _write_long(rng: Random, event: dict[str, Any]) -> None:
    container, key = rng.choice(_places(event))
    container[key] = rng.choice(("x", "é", "\u0000")) * rng.choice((20_000, 150_000))


def _repeat_list(rng: Random, event: dict[str, Any]) -> None:
    lists = [each[key] for each, key in _places(event) if isinstance(each[key], list) and each[key]]
    if lists:
        found = rng.choice(lists)
        found *= rng.choice((2, 100, 2_000)) if len(json.dumps(found)) < 300 else 2


def _flip(rng: Random, raw: Raw) -> Raw:
    changed = bytearray(raw.value or b"")
    for _ in range(rng.choice((1, 3, 30))):
        if changed:
            changed[rng.randrange(len(changed))] = rng.randrange(256)
    return replace(raw, value=bytes(changed))


def _cut(rng: Random, raw: Raw) -> Raw:
    return replace(raw, value=(raw.value or b"")[: rng.randrange(len(raw.value or b"") + 1)])


def _not_json(rng: Random, raw: Raw) -> Raw:
    depth = rng.choice((50, 5_000, 200_000))
    bodies = (
        None, b"", b"null", b"[]", b'"x"', b"{", b"\xff\xfe\x00", b"NaN", b"1" * 5_000,
        b"[" * depth, b'{"a":' * depth,
        b'{"sequence":' + b"9" * 5_000 + b"}", b"\x00" * depth, _BOMB,
        b'{"id":"\\ud800","type":"\\udfff"}', (raw.value or b"") * 2, "{}".encode("utf-16"),
    )  # fmt: skip
    return replace(raw, value=rng.choice(bodies))


def _other_key(rng: Random, raw: Raw) -> Raw:
    keys = (None, b"", b"\xff\xfe", b"x" * 9_000, b"fuzz-other", b"\x00", "é".encode())
    return replace(raw, key=rng.choice(keys))


def _odd_headers(rng: Random, raw: Raw) -> Raw:
    names = ("content-type", "traceparent", "", "x" * 3_000, "é", "\x00")
    values = (b"", b"\xff\xfe", b"text/plain", b"x" * 9_000)
    count = rng.choice((1, 3, 200))
    return replace(raw, headers=[(rng.choice(names), rng.choice(values)) for _ in range(count)])


MALFORMATIONS: Sequence[Malformation] = (
    *[
        _of_json(change)
        for change in (_change_field, _change_field, _drop_field, _add_field, _jump, _jump)
    ],
    *[_of_json(change) for change in (_unknown_type, _write_long, _repeat_list)],
    _flip,
    _cut,
    _not_json,
    _not_json,
    _other_key,
    _odd_headers,
)


def malform(rng: Random, raw: Raw) -> tuple[str, Raw]:
    """Give a record that is wrong in one way or several, or not at all, and say how."""
    done = []
    for _ in range(rng.choice((0, 1, 1, 1, 2, 3))):
        malformation = rng.choice(MALFORMATIONS)
        raw = malformation(rng, raw)
        done.append(malformation.__name__.strip("_"))
    return " + ".join(done) or "as it is", raw
