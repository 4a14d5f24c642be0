"""Malformed records, as any client may write them to a topic that a service reads."""

import codecs
import json
from collections.abc import Callable, Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class RawRecord:
    """Record as a client sends it; its name states what is wrong with it."""

    name: str
    value: bytes | None
    key: bytes | None = b"d1"
    headers: tuple[tuple[str, bytes | None], ...] = ()


def build_malformed_records(golden: Json) -> Iterator[RawRecord]:
    """Build malformed records for a topic from one valid event of it."""
    sound = json.dumps(golden).encode()
    yield from _build_bodies(sound)
    yield from _build_surroundings(sound)
    for name, plant in _HEADS.items():
        yield RawRecord(name, _plant(golden, plant))
    for where, _ in _find_integers(golden):
        for number in ("9" * 19, "9" * 400, "-1", "1e400", "1.5", "true", '"9"', "NaN"):
            name = f"{'.'.join(map(str, where))}={number[:20]}"
            yield RawRecord(name, _rewrite_number(golden, where, number, name))


def _build_bodies(sound: bytes) -> Iterator[RawRecord]:
    half = len(sound) // 2
    bodies: Mapping[str, bytes | None] = {
        "nothing": b"",
        "tombstone": None,
        "cut": sound[:half],
        "zeros": b"\0" * 1000,
        "not UTF-8": sound.replace(b'"id"', b'"\xff\xfe"'),
        "BOM": codecs.BOM_UTF8 + sound,
        "UTF-16": sound.decode().encode("utf-16"),
        "UTF-32": sound.decode().encode("utf-32"),
        "deep array": b"[" * 100_000,
        "deep object": b'{"data":' * 50_000,
        "deep inside": sound.replace(b'"data":', b'"data":' + b"[" * 90_000, 1),
        "twice": sound + sound,
        "an array": b"[" + sound + b"]",
        "a string": json.dumps(sound.decode()).encode(),
        "a number": b"9" * 5000,
        "null": b"null",
        "lone surrogate": sound.replace(b'"id": "', b'"id": "\\ud800', 1),
        "key twice": sound.replace(b'{"', b'{"id":7,"', 1),
        "NUL in a name": sound.replace(b'"data":', b'"\\u0000":1,"data":', 1),
    }
    for name, body in bodies.items():
        yield RawRecord(name, body)


def _build_surroundings(sound: bytes) -> Iterator[RawRecord]:
    yield RawRecord("no key", b"{", None)
    yield RawRecord("empty key", b"{", b"")
    yield RawRecord("key not UTF-8", b"{", b"\xff" * 10)
    yield RawRecord("key of NULs", b"{", b"\0" * 10)
    yield RawRecord("long key", b"{", b"k" * 500_000)
    yield RawRecord("long key not UTF-8", b"{", b"\xff" * 900_000)
    yield RawRecord("key with dots", b"{", b"$set.a.b")
    yield RawRecord("another key", sound, b"somebody else")
    yield RawRecord("header without a name", b"{", headers=(("", b"1"),))
    yield RawRecord("header without a value", b"{", headers=(("h", None),))
    yield RawRecord("header twice", b"{", headers=(("h", b"1"), ("h", b"2")))
    yield RawRecord("header not UTF-8", b"{", headers=(("h", b"\xff\0\xfe"),))
    yield RawRecord("header with dots", b"{", headers=(("$a.b\0", b"1"),))
    yield RawRecord("our own headers", b"{", headers=(("x-reason", b"1"), ("x-entry", b"\xff")))
    yield RawRecord("long headers", b"{", headers=(("h" * 10_000, b"\xff" * 900_000),))
    yield RawRecord(
        "many headers", b"{", headers=tuple((f"h{rank}", b"") for rank in range(20_000))
    )


_LONG = "x" * 500_000
_HEADS: Mapping[str, Callable[[Json], object]] = {
    "no id": lambda it: it.pop("id"),
    "long id": lambda it: it.update(id=_LONG),
    "long dossier": lambda it: it.update(dossierid=_LONG),
    "long type": lambda it: it.update(type=_LONG),
    "long source": lambda it: it.update(source=_LONG),
    "long subject": lambda it: it.update(subject=_LONG),
    "id of NULs": lambda it: it.update(id="a\0b", data={}),
    "id of dollars": lambda it: it.update(id="$where.a", data={}),
    "dossier of NULs": lambda it: it.update(id="n", dossierid="a\0b", data={}),
    "dossier of dollars": lambda it: it.update(id="o", dossierid="$a.b", data={}),
    "id of another kind": lambda it: it.update(id={"$gt": ""}),
    "first day": lambda it: it.update(id="f", time="0001-01-01T00:00:00+23:59"),
    "last day": lambda it: it.update(id="l", time="9999-12-31T23:59:59-23:59"),
    "time as a number": lambda it: it.update(id="t", time=10**18),
    "huge sequence": lambda it: it.update(id="h", sequence=2**63),
    "sequence beyond all": lambda it: it.update(id="i", sequence=10**300),
    "sequence as text": lambda it: it.update(id="j", sequence="9" * 5000),
    "sequence zero": lambda it: it.update(id="k", sequence=0),
    "no data": lambda it: it.pop("data"),
    "data of another kind": lambda it: it.update(id="m", data=[]),
    "many fields": lambda it: it["data"].update({f"f{rank}": rank for rank in range(20_000)}),
}


def _plant(golden: Json, plant: Callable[[Json], object]) -> bytes:
    event = deepcopy(golden)
    plant(event)
    return json.dumps(event).encode()


def _find_integers(
    value: object, path: tuple[Any, ...] = ()
) -> Iterator[tuple[tuple[Any, ...], int]]:
    if isinstance(value, dict):
        for key, each in value.items():
            yield from _find_integers(each, (*path, key))
    elif isinstance(value, list):
        for rank, each in enumerate(value):
            yield from _find_integers(each, (*path, rank))
    elif isinstance(value, int) and not isinstance(value, bool):
        yield path, value


def _rewrite_number(golden: Json, path: tuple[Any, ...], number: str, name: str) -> bytes:
    """Replace the number at a path by a text that `json.dumps` would not write for a number."""
    event = deepcopy(golden)
    place: Any = event
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = "@number@"
    event["id"] = name[-100:]
    return json.dumps(event).replace('"@number@"', number).encode()
