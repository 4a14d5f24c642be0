"""Delivery of a status to a subscriber: what waits, and when it is tried again."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from enum import StrEnum

from services.notification.subscriptions.domain.subscription import Frequency
from shared.vocabulary.dates import PARIS

ATTEMPTS_MIN = 10
"""So often a delivery has been tried before it is given up: an outage of ours disables nobody."""
GIVEN_UP_AFTER = timedelta(hours=24)
"""For so long a delivery, or everything of a subscription, may fail before it is disabled."""
FIRST_RETRY_S, LONGEST_RETRY_S = 5.0, 900.0
"""First and longest delay before another attempt, in seconds; it doubles in between."""
DIGEST_AT = time(7)
"""When digests leave, in Paris."""


class DeliveryState(StrEnum):
    """State of a delivery."""

    WAITING = "waiting"
    DELIVERED = "delivered"
    FAILED = "failed"
    """It was given up: a mail that was refused, or a status that its structure may read no more."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """A status that waits to be sent to one subscriber, or a test."""

    id: str
    subscription: str
    dossier_id: str
    """The dossier, whose deliveries keep their order; of a test, its own id."""
    sequence: int
    """Rank of the status in its dossier; 0 for a test."""
    attempts: int = 0
    failing_since: datetime | None = None

    @property
    def is_test(self) -> bool:
        """Whether it is a test, which tells of no status."""
        return self.sequence == 0

    @property
    def message_id(self) -> str:
        """Id of the message, the same at each attempt, re-send and replay of a status."""
        return build_message_id(self.dossier_id, self.sequence)


@dataclass(frozen=True, slots=True)
class Try:
    """One attempt, as the log shows it: its moment, and what came of it (`Attempt.code`)."""

    at: datetime
    code: str
    duration_ms: int


@dataclass(frozen=True, slots=True)
class LoggedDelivery:
    """A delivery as the log shows it."""

    id: str
    """Id in the log; ids grow with time."""
    dossier_id: str
    sequence: int
    state: DeliveryState
    created_at: datetime
    due: datetime | None
    """When it is tried next; None once it is delivered."""
    attempts: int
    tries: tuple[Try, ...]
    """The last attempts, oldest first."""

    @property
    def is_test(self) -> bool:
        """Whether it is a test, which tells of no status."""
        return self.sequence == 0


def build_message_id(dossier_id: str, sequence: int) -> str:
    """Build the id of a message: of a test, the id that it has in place of a dossier."""
    return f"{dossier_id}-{sequence}" if sequence else dossier_id


def build_delivery_id(subscription: str, dossier_id: str, sequence: int, replay: str = "") -> str:
    """Build the id of a delivery: one of each status for a subscription, and for each replay."""
    return "|".join((subscription, dossier_id, str(sequence), *([replay] if replay else ())))


def group_by_dossier(deliveries: Iterable[Delivery]) -> Mapping[str, Sequence[Delivery]]:
    """Group deliveries into the lanes in which order is kept: one a dossier."""
    lanes: defaultdict[str, list[Delivery]] = defaultdict(list)
    for delivery in deliveries:
        lanes[delivery.dossier_id].append(delivery)
    return lanes


def is_given_up(failing_since: datetime | None, failures: int, now: datetime) -> bool:
    """Tell whether what has failed since a moment has failed for too long, and often enough."""
    is_late = failing_since is not None and now - failing_since >= GIVEN_UP_AFTER
    return is_late and failures >= ATTEMPTS_MIN


def compute_due(frequency: Frequency, now: datetime) -> datetime:
    """Compute when a new delivery is due: now, or with the next digest."""
    if frequency is Frequency.IMMEDIATE:
        return now
    here = now.astimezone(PARIS)
    today = datetime.combine(here.date(), DIGEST_AT, PARIS)
    if today > here:
        return today
    return datetime.combine(here.date() + timedelta(days=1), DIGEST_AT, PARIS)
