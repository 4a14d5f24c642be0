"""Outcome of each message of a batch: applied, parked, dead letter or duplicate. Pure."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from shared.runtime.messaging.parsing import Incoming

Place = tuple[str, int | None]
"""Dossier and rank."""
Seen = dict[str, Place | None]
"""Ids that have an entry, and the place of each; None when the place is not reliable."""


@dataclass(slots=True)
class Stream:
    """State of one dossier on one topic: next rank, dead letters, number of parked messages."""

    next: int = 1
    dead: list[str] = field(default_factory=list)
    """Ids of dead letters, which block the later messages."""
    parked: int = 0
    is_new: bool = False
    """Whether the store has no document of this stream yet."""


@dataclass(slots=True)
class Outcomes:
    """The messages of a batch, by outcome."""

    applied: list[Incoming] = field(default_factory=list)
    parked: list[Incoming] = field(default_factory=list)
    newer: list[Incoming] = field(default_factory=list)
    """Those that wait for a version that judges their level."""
    dead: list[Incoming] = field(default_factory=list)
    redelivered: list[Incoming] = field(default_factory=list)
    touched: dict[str, Stream] = field(default_factory=dict)


def decide_outcomes(
    batch: Iterable[Incoming],
    seen: Seen,
    streams: Mapping[str, Stream],
    remembered_since: datetime,
    postponed: Collection[str] = (),
) -> Outcomes:
    """Decide which messages are applied, parked, dead letters, or dropped as duplicates.

    Takes the batch in its order, the ids seen before, and the current streams. A message of a newer
    level leaves its rank free, so that the messages after it in its dossier are parked.

    `postponed` names dossiers that wait for something outside: their messages are parked. Changes
    `seen` and `streams`.
    """
    outcomes = Outcomes()
    for received in batch:
        incoming = received
        if is_reuse(received, seen):
            incoming = received.named_by_position.with_fault(
                f"its id {received.id} is that of another message: {seen[received.id]}"
            )
        stream = streams[incoming.stream]
        rank = incoming.sequence
        is_taken = rank is not None and rank < stream.next
        is_forgotten = incoming.event is not None and incoming.event.time < remembered_since
        # The inbox forgets ids after a time; the stream never forgets its next rank.
        if incoming.id in seen or (is_taken and is_forgotten):
            outcomes.redelivered.append(incoming)
            continue
        seen[incoming.id] = (incoming.stream, rank)
        outcomes.touched[incoming.stream] = stream
        reason = incoming.fault or _find_refusal(rank, is_taken=is_taken, is_forgotten=is_forgotten)
        if reason is not None:
            stream.dead.append(incoming.id)
            outcomes.dead.append(incoming.with_fault(reason))
        elif incoming.is_newer:
            outcomes.newer.append(incoming)
        elif stream.dead or rank != stream.next or incoming.stream in postponed:
            stream.parked += 1
            outcomes.parked.append(incoming)
        else:
            stream.next += 1
            outcomes.applied.append(incoming)
    return outcomes


def is_reuse(incoming: Incoming, seen: Seen) -> bool:
    """Tell whether a message reuses the id of another one.

    If it were dropped as a duplicate, its dossier would wait for ever. Places are compared, not
    bytes: an operator may have corrected the bytes.
    """
    place = seen.get(incoming.id)
    return place is not None and place != (incoming.stream, incoming.sequence)


def describe_rank_taken(rank: int | None) -> str:
    """Write the reason of a dead letter: another message was applied at this rank."""
    return f"another message was applied as rank {rank} of this dossier"


def _find_refusal(rank: int | None, *, is_taken: bool, is_forgotten: bool) -> str | None:
    if is_taken:
        return describe_rank_taken(rank)
    if is_forgotten:
        return "older than the inbox remembers: it may have been applied before"
    return None
