"""What ends is started again, ever more slowly while it goes on ending."""

import math
from itertools import pairwise
from pathlib import Path
from typing import cast

import pytest

from deploy.errors import LaunchError
from deploy.local import Backend, Platform
from deploy.local.supervisor import _STEADY_S, FIRST_DELAY_S, LONGEST_DELAY_S, Supervisor


class _Processes:
    """A platform whose processes live and die as a test says."""

    def __init__(self, backend: Backend = Backend.EMBEDDED) -> None:
        self.backend = backend
        self.names = ("broker", "deposit", "routing")
        self.alive = set(self.names)
        self.ready = set(self.names)
        self.started: list[tuple[str, float]] = []
        self.starts_well = True
        self.now = 0.0

    def is_alive(self, name: str) -> bool:
        return name in self.alive

    def is_ready(self, name: str) -> bool:
        return name in self.ready

    def describe_end(self, _name: str) -> str:
        return "was ended by SIGKILL"

    def get_log(self, name: str) -> Path:
        return Path(f"{name}.log")

    def build_failure(self, name: str, what: str) -> LaunchError:
        return LaunchError(f"{name} {what}")

    def spawn(self, name: str) -> None:
        self.started.append((name, self.now))
        if self.starts_well:
            self.alive.add(name)


@pytest.fixture
def said() -> list[str]:
    return []


def _supervise(processes: _Processes, said: list[str]) -> Supervisor:
    return Supervisor(cast("Platform", processes), said.append, clock=lambda: processes.now)


def _let_pass(seconds: float, processes: _Processes, supervisor: Supervisor) -> None:
    end = processes.now + seconds
    while processes.now < end:
        processes.now += 0.25
        supervisor.check()


def test_what_ends_is_named_in_one_line_started_again_and_named_once_it_answers(
    said: list[str],
) -> None:
    processes = _Processes()
    supervisor = _supervise(processes, said)
    processes.alive.remove("deposit")
    processes.ready.remove("deposit")

    supervisor.check()
    _let_pass(5, processes, supervisor)
    assert said == ["deposit was ended by SIGKILL: it starts again in 0.5 s; its log: deposit.log"]
    processes.ready.add("deposit")
    supervisor.check()

    assert processes.started == [("deposit", FIRST_DELAY_S)]
    assert said[1:] == ["deposit is back"]


def test_what_cannot_start_is_tried_ever_more_slowly(said: list[str]) -> None:
    processes = _Processes()
    processes.starts_well = False
    processes.alive.remove("deposit")

    _let_pass(8 * LONGEST_DELAY_S, processes, _supervise(processes, said))

    times = [at for _, at in processes.started]
    waits = [later - earlier for earlier, later in pairwise(times)]
    assert waits == sorted(waits)
    assert LONGEST_DELAY_S <= waits[-1] <= LONGEST_DELAY_S + 1
    doublings = math.ceil(math.log2(LONGEST_DELAY_S / FIRST_DELAY_S))
    assert len(times) <= doublings + 8
    assert {name for name, _ in processes.started} == {"deposit"}


def test_what_has_answered_for_long_is_started_again_as_soon_as_the_first_time(
    said: list[str],
) -> None:
    processes = _Processes()
    supervisor = _supervise(processes, said)
    for _ in range(2):
        processes.alive.remove("deposit")
        _let_pass(2 * _STEADY_S, processes, supervisor)

    assert [line for line in said if "starts again in 0.5 s" in line] == said[::2]


def test_the_broker_in_memory_ends_all_and_a_real_one_is_started_again(said: list[str]) -> None:
    in_memory, real = _Processes(), _Processes(Backend.NATIVE)
    for each in (in_memory, real):
        each.alive.remove("broker")

    with pytest.raises(LaunchError, match=r"^broker was ended by SIGKILL, and its records"):
        _supervise(in_memory, said).check()
    _let_pass(2, real, _supervise(real, said))

    assert [name for name, _ in real.started] == ["broker"]
