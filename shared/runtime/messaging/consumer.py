"""Kafka consumer (aiokafka) that loses no record when a poll fails, and shows when it stalls."""

import time
from contextlib import suppress
from typing import Any

from aiokafka import AIOKafkaConsumer
from aiokafka.errors import ConsumerStoppedError, KafkaError

from shared.runtime.error_descriptions import describe_error

_FAILURE_WINDOW_S = 20.0
"""Failed polls fewer seconds apart count as one failure; the framework polls more often."""


class WatchedConsumer(AIOKafkaConsumer):  # type: ignore[misc]  # aiokafka ships no types
    """Consumer that rewinds after a failed poll, and measures its lag."""

    def __init__(self, *topics: str, **options: Any) -> None:  # noqa: ANN401
        """Take the arguments of `AIOKafkaConsumer`."""
        super().__init__(*topics, **options)
        self._polled = time.monotonic()
        self._failing_since = self._failed = float("-inf")
        self._given: dict[Any, int] = {}
        self._has_dropped = False

    @property
    def last_good_poll(self) -> float:
        """Moment of the last successful poll, or of the first failed one while polls fail.

        The clock is the monotonic one. After a failed poll, aiokafka returns nothing once, then
        fails again: one poll that passes just after a failure does not count as successful.
        """
        is_failing = self._is_failing(time.monotonic())
        return self._failing_since if is_failing else self._polled

    async def getmany(self, *partitions: Any, **options: Any) -> Any:  # noqa: ANN401
        """Poll. Turns every error into a KafkaError, from which the framework recovers.

        Only ConsumerStoppedError passes unchanged.
        """
        try:
            if self._has_dropped:
                await self._rewind()
            records = await super().getmany(*partitions, **options)
        except ConsumerStoppedError:
            raise
        except Exception as error:
            self._note_failure()
            await self._rewind()
            if isinstance(error, KafkaError):
                raise
            raise KafkaError(f"records that cannot be read: {describe_error(error)}") from error
        self._polled = time.monotonic()
        given = self._given | {each: of_it[-1].offset + 1 for each, of_it in records.items()}
        # Forget partitions that were lost: another member may have moved on in them.
        self._given = {each: given[each] for each in given.keys() & self.assignment()}
        if not records:
            await self._commit_passed()
        return records

    def measure_lag(self, topic: str) -> int:
        """Measure the consumer lag of a topic, from the last high-water marks of its partitions.

        Records that are being processed are not counted.
        """
        partitions = [each for each in self.assignment() if each.topic == topic]
        ends = {partition: self.highwater(partition) or 0 for partition in partitions}
        return sum(max(0, end - self._given.get(each, end)) for each, end in ends.items())

    async def _commit_passed(self) -> None:
        """Commit offsets past places without a record: transaction markers, compacted batches.

        Everything received has been processed when the next poll begins. Without this commit, a
        marker after the last record would make `wait_until_caught_up` wait for ever.
        """
        states = {
            each: self._subscription.subscription.assignment.state_value(each)
            for each in self.assignment()
        }
        passed = {
            each: state.position
            for each, state in states.items()
            if state is not None and state.has_valid_position
        }
        passed = {each: at for each, at in passed.items() if at and at != self._given.get(each)}
        if passed:
            with suppress(KafkaError):  # the next poll tries again
                await self.commit(passed)
                self._given |= passed

    def _is_failing(self, now: float) -> bool:
        return now - self._failed < _FAILURE_WINDOW_S

    def _note_failure(self) -> None:
        now = time.monotonic()
        if not self._is_failing(now):
            self._failing_since = now
        self._failed = now

    async def _rewind(self) -> None:
        """Rewind to the committed offsets: a failed poll drops the records of other partitions too.

        aiokafka advances in each partition while it gathers, and returns nothing when one of them
        fails. If the rewind fails too, it is tried before the next poll: otherwise the next commit
        would skip the dropped records.
        """
        self._has_dropped = True
        if self.assignment():
            committed = await self.seek_to_committed()
            fresh = [partition for partition, offset in committed.items() if not offset]
            if fresh:
                await self.seek_to_beginning(*fresh)
        self._has_dropped = False
