"""Watch on stored fields: those that the next version wrote must stay, whoever writes again."""

import asyncio
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any, TypeAlias

from pymongo import MongoClient

Place: TypeAlias = tuple[str | int, ...]
"""Service, collection and id of a document, or keys of a field in it."""

_PERIOD_S = 0.5
_WATCHED = {
    "routing": "dossiers",
    "organisation": "structures",
    "notification": "subscriptions",
    "support": "tickets",
}
"""Collection of documents of record that are written again and again, by service."""


class FieldWatch:
    """Reads documents periodically, and finds fields that were lost or changed."""

    def __init__(self, mongo: str, field: str) -> None:
        """Watch the fields of one name."""
        self._mongo = mongo
        self._field = field
        self._seen: dict[Place, dict[Place, Any]] = {}
        self._dropped: dict[Place, str] = {}

    @property
    def dropped(self) -> list[str]:
        """List the fields that were there and are no more, or hold another value."""
        return list(self._dropped.values())

    async def run(self) -> None:
        """Read all documents periodically, until cancelled."""
        while True:
            await asyncio.to_thread(self.look)
            await asyncio.sleep(_PERIOD_S)

    def look(self) -> None:
        """Read all documents once, and compare each with what was read before."""
        with MongoClient[dict[str, Any]](self._mongo) as client:
            for service, collection in _WATCHED.items():
                self.compare_all((service, collection), client[service][collection].find())

    def look_at_trails(self) -> None:
        """Compare pieces with what audit trails tell: entries are written once, and whole."""
        with MongoClient[dict[str, Any]](self._mongo) as client:
            told = client["routing"]["audit"].find({f"events.{self._field}": {"$gt": ""}})
            events = [event for entry in told for event in entry["events"]]
            self.compare_trails(events, client["routing"]["dossiers"].find())

    def compare_trails(
        self, events: Iterable[dict[str, Any]], dossiers: Iterable[dict[str, Any]]
    ) -> None:
        """Compare pieces with the events that tell of their deposit."""
        now = {
            piece["deposit"]["piece_id"]: piece.get(self._field)
            for dossier in dossiers
            for piece in dossier["state"]["pieces"]
        }
        for event in events:
            if told := event.get(self._field):
                piece = event["deposit"]["piece_id"]
                if now.get(piece) != told:
                    text = f"{told!r} of the trail is {now.get(piece)!r} in its dossier"
                    self._dropped["routing", "audit", piece] = text

    def compare_all(self, where: Place, documents: Iterable[dict[str, Any]]) -> None:
        """Compare the documents of a collection; one that is gone has dropped all its fields."""
        found = {(*where, document["_id"]): document for document in documents}
        seen = {place for place in self._seen if place[:-1] == where}
        for place in seen | found.keys():
            self.compare(place, found.get(place, {}))

    def compare(self, place: Place, document: dict[str, Any]) -> None:
        """Compare a document with the fields that it had before."""
        before, now = self._seen.setdefault(place, {}), dict(find_fields(document, self._field))
        for keys, value in before.items():
            if now.get(keys) != value:
                whole = (*place, *keys)
                self._dropped[whole] = f"{whole} was {value!r}, is {now.get(keys)!r}"
        before |= now

    def count_levels(self) -> Counter[str]:
        """Count the fields that were seen, by the first word of each: what it was written for."""
        return Counter(
            str(value).partition(" ")[0]
            for fields in self._seen.values()
            for value in fields.values()
        )


def find_fields(part: Any, field: str) -> Iterator[tuple[Place, Any]]:  # noqa: ANN401 - any value
    """Find the fields of a name, at any level, that are not empty."""
    if isinstance(part, dict):
        if part.get(field):
            yield (field,), part[field]
        items: Any = part.items()
    else:
        items = enumerate(part) if isinstance(part, list) else ()
    for key, value in items:
        for keys, found in find_fields(value, field):
            yield (key, *keys), found
