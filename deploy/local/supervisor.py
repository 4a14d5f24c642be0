"""Supervision: a process that ends by itself is started again, with exponential backoff."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from deploy.local.platform import BROKER, Platform

FIRST_DELAY_S = 0.5
LONGEST_DELAY_S = 30.0
_STEADY_S = 60.0
"""What has answered for this long and ends is started again as soon as after a first end."""


@dataclass(slots=True)
class _Restarts:
    """Restarts of one process."""

    delay_s: float = FIRST_DELAY_S
    due: float | None = None
    """When it is to be started again."""
    is_starting: bool = False
    answered: float = 0
    """Since when it has answered again."""


class Supervisor:
    """Keeps the processes of a platform running; services wait meanwhile for what they miss."""

    def __init__(
        self,
        platform: Platform,
        say: Callable[[str], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Watch a platform that has started, and say by one line what ends and what is back."""
        self._platform = platform
        self._say = say
        self._clock = clock
        self._restarts: dict[str, _Restarts] = {}

    def check(self) -> None:
        """Look at each process once, and start what is due. Never waits for one to be ready.

        Raises LaunchError for a broker that kept its records in memory: to go on without them would
        lose in silence what services have published and not yet read.
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
            raise self._platform.failure(
                name, f"{ending}, and its records were in memory: all ends here, start anew"
            )
        if state.answered and now - state.answered > _STEADY_S:
            state.delay_s = FIRST_DELAY_S
        state.due, state.is_starting, state.answered = now + state.delay_s, False, 0
        log = self._platform.log(name)
        self._say(f"{name} {ending}: it starts again in {state.delay_s:g} s; its log: {log}")
        state.delay_s = min(state.delay_s * 2, LONGEST_DELAY_S)

    def _note_if_ready(self, name: str) -> None:
        if self._platform.is_ready(name):
            state = self._restarts[name]
            state.is_starting, state.answered = False, self._clock()
            self._say(f"{name} is back")
