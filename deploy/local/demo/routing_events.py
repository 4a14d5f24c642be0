"""Consumer of routing's topics, as an EDI partner runs one: collects hops, statuses and delays."""

import asyncio
import json
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from deploy.local.demo.runs import Delivery
from deploy.local.demo.topic_reader import follow_topics
from shared.contracts.envelope import Event
from shared.contracts.routing_v1 import DelayElapsed, PieceForwarded
from shared.contracts.topics import ACTEUR, ECHEANCE, STATUT

TOPICS_OF_ROUTING = (*ACTEUR.values(), STATUT, ECHEANCE)
"""Topics of routing, without that of the states of dossiers."""

Clock = Callable[[], datetime]


@dataclass(frozen=True, slots=True)
class Hop:
    """Piece that reached the topic of a recipient."""

    event_id: str
    topic: str
    forwarded: PieceForwarded
    latency_ms: float | None
    """Latency from the deposit to the received record, in ms.

    None when the piece reached another recipient for the same purpose before, or the same one.
    """

    @property
    def as_delivery(self) -> Delivery:
        """The hop as a delivery, to compare with the expected ones."""
        piece = self.forwarded
        return Delivery(
            piece.piece_id,
            piece.number,
            piece.role,
            piece.purpose,
            piece.recipient.service,
            piece.engagement,
        )


@dataclass(frozen=True, slots=True)
class ToldStatus:
    """Status that the topic of statuses told, as plain JSON has it."""

    dossier_id: str
    sequence: int
    number: str
    status: str
    structures: Mapping[str, str]
    """Structure of each party of the dossier, by role."""
    payment_not_reported: bool = False


@dataclass(slots=True)
class RoutingEvents:
    """Events of routing received so far."""

    clock: Clock
    hops: list[Hop] = field(default_factory=list)
    statuses: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    """Statuses by piece, in the order received."""
    told: list[ToldStatus] = field(default_factory=list)
    """All statuses, in the order received."""
    delays: Counter[tuple[str, str]] = field(default_factory=Counter)
    """Number of elapsed delays, by piece and name of the delay."""
    news: asyncio.Event = field(default_factory=asyncio.Event)
    """Set at each received record; whoever waits for records clears it."""
    _seen: set[str] = field(default_factory=set)

    def record(self, topic: str, value: bytes) -> None:
        """Record a received event, unless it is a duplicate."""
        if topic == STATUT.name:
            # Read as plain JSON: a partner may meet a status that is newer than its own code.
            event = json.loads(value)
            if self._is_new(event["id"]):
                self.statuses[event["data"]["piece_id"]].append(event["data"]["status"])
                self.told.append(_read_status(event))
        elif topic == ECHEANCE.name:
            if json.loads(value)["type"] != DelayElapsed.event_type:
                return
            delay = Event[DelayElapsed].model_validate_json(value)
            if self._is_new(delay.id):
                self.delays[delay.data.piece_id, delay.data.delay] += 1
        else:
            forward = Event[PieceForwarded].model_validate_json(value)
            if self._is_new(forward.id):
                self.hops.append(self._build_hop(forward, topic))
        self.news.set()

    def _build_hop(self, event: Event[PieceForwarded], topic: str) -> Hop:
        piece = event.data
        came = {(hop.forwarded.piece_id, hop.forwarded.purpose) for hop in self.hops}
        is_first = (piece.piece_id, piece.purpose) not in came
        latency_ms = (self.clock() - piece.deposited_at).total_seconds() * 1000
        return Hop(event.id, topic, piece, latency_ms if is_first else None)

    def _is_new(self, event_id: str) -> bool:
        is_new = event_id not in self._seen
        self._seen.add(event_id)
        return is_new


def _read_status(event: Mapping[str, Any]) -> ToldStatus:
    data = event["data"]
    parties = {role: party for role, party in data["parties"].items() if party}
    return ToldStatus(
        data["dossier_id"],
        int(event["sequence"]),
        data["number"],
        data["status"],
        {role: party["structure"] for role, party in parties.items()},
        data["payment_not_reported"],
    )


@asynccontextmanager
async def follow_routing(kafka: str, clock: Clock) -> AsyncIterator[RoutingEvents]:
    """Read the topics of routing from their beginning, within the block."""
    events = RoutingEvents(clock)
    async with follow_topics(kafka, TOPICS_OF_ROUTING, events.record):
        yield events
