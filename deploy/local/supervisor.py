"""Supervisor: restarts processes that have ended by themselves, with exponential backoff."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from deploy.local.platform import BROKER, Platform

FIRST_DELAY_S = 0.5
LONGEST_DELAY_S = 30.0
"""Backoff: delays before the first restart and before late ones, in seconds."""
_STEADY_S = 60.0
"""Time after a restart for which a process must run before its backoff is reset, in seconds."""


@dataclass(slots=True)
class _Restarts:
    """State of the restarts of one process."""

    delay_s: float = FIRST_DELAY_S
    due: float | None = None
    """Moment of the next restart, by the supervisor's clock."""
    is_starting: bool = False
    answered: float = 0
    """Moment at which the process was ready again; 0 while it is not."""


class Supervisor:
    """Restarts the processes of a platform; meanwhile services wait for broker and store."""

    def __init__(
        self,
        platform: Platform,
        say: Callable[[str], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Supervise a started platform; `say` prints a line for each end and each restart."""
        self._platform = platform
        self._say = say
        self._clock = clock
        self._restarts: dict[str, _Restarts] = {}

    def check(self) -> None:
        """Check each process once, and restart those that are due. Does not wait for readiness.

        Raises LaunchError when a broker with its records in memory has ended: a restart would lose
        published messages that are not yet read, without a trace.
        """
        for name in self._platform.names:
            if not self._platform.is_alive(name):
                self._restart(name)
            elif name in self._restarts and self._restarts[name].is_starting:
                self._note_if_ready(name)

    def _restart(self, name: str) -> None:
        now = self._clock()
        state = self._restarts.setdefault(name, _Restarts())
        if state.due is None:
            self._schedule(name, state, now)
        elif now >= state.due:
            state.due, state.is_starting = None, True
            self._platform.spawn(name)

    def _schedule(self, name: str, state: _Restarts, now: float) -> None:
        ending = self._platform.describe_end(name)
        if name == BROKER and not self._platform.backend.has_real_kafka:
            raise self._platform.build_failure(
                name, f"{ending}, and its records were in memory: all ends here, start anew"
            )
        if state.answered and now - state.answered > _STEADY_S:
            state.delay_s = FIRST_DELAY_S
        state.due, state.is_starting, state.answered = now + state.delay_s, False, 0
        log = self._platform.get_log(name)
        self._say(f"{name} {ending}: it starts again in {state.delay_s:g} s; its log: {log}")
        state.delay_s = min(state.delay_s * 2, LONGEST_DELAY_S)

    def _note_if_ready(self, name: str) -> None:
        if self._platform.is_ready(name):
            state = self._restarts[name]
            state.is_starting, state.answered = False, self._clock()
            self._say(f"{name} is back")
