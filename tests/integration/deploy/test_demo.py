"""The demo tells the truth: it ends well on a sound platform, and on nothing less."""

import os
import re
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from deploy.local.backends import choose
from deploy.local.demo.checks import Fault, find_differences, find_lost
from deploy.local.demo.pieces import write_ubl
from deploy.local.demo.routing_events import Hop, RoutingEvents
from deploy.local.demo.runs import Delivery, JourneyRun
from deploy.local.demo.steps import Journey
from deploy.local.demo.structures import ONE_SIRET
from deploy.local.npm import find_missing
from deploy.local.programs import ROOT
from shared.contracts.common_v1 import PartyV1
from shared.contracts.routing_v1 import PieceForwarded
from shared.vocabulary.roles import Purpose, Role
from shared.vocabulary.statuses import Status
from tests.kit.waiting import scale_timeout

_COMMAND = (sys.executable, "-m", "deploy.local.demo")
_RUN = ROOT / ".run"
_INTERRUPTED = 130


@pytest.fixture
def demo() -> Iterator[subprocess.Popen[str]]:
    """A demo that has just begun."""
    backend = {"BACKEND": choose().backend}
    # Under nohup the demo would inherit that the signal is ignored, and keep it so.
    hang_up = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    started = subprocess.Popen(
        _COMMAND,
        cwd=ROOT,
        env={**os.environ, **backend},  # noqa: TID251 - it needs PATH and HOME
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    signal.signal(signal.SIGHUP, hang_up)
    yield started
    started.kill()
    started.communicate()


def test_it_carries_every_journey_to_its_end(demo: subprocess.Popen[str]) -> None:
    output, _ = demo.communicate(timeout=scale_timeout(240))

    assert demo.returncode == 0, output
    assert re.search(r"^demo: ok, 18 dossiers, 50 pieces, 68 hops, 0 lost$", output, re.MULTILINE)
    assert re.findall(r"^… (\d+) jours passent", output, re.MULTILINE) == ["16", "15", "11"]
    verifier = (
        "la bibliothèque Python"
        if find_missing("npm's standardwebhooks")
        else "standardwebhooks de npm"
    )
    assert re.search(rf"leurs signatures +│ vérifiées par {verifier}", output)
    assert re.search(r"webhooks au titulaire +│ 33 statuts, 1 essai", output)
    assert re.search(r"courriels au service financier +│ 18 statuts en \d+ courriels", output)
    assert re.search(r"désabonnement en un clic +│ Le destinataire", output)


@pytest.mark.parametrize("request_to_end", [signal.SIGTERM, signal.SIGHUP, signal.SIGKILL])
def test_it_leaves_nothing_behind_when_it_is_told_to_end(
    demo: subprocess.Popen[str], request_to_end: signal.Signals
) -> None:
    assert demo.stdout is not None
    while "prête" not in (line := demo.stdout.readline()):
        assert line, "it ended before it was ready"
    children = _children_of(demo.pid)
    folders = {word for pid in children for word in _folders_of(pid)}
    assert len(children) >= 7
    assert len(folders) == 1

    demo.send_signal(request_to_end)
    # Ends with the watchdog, which holds the same output and removes the folder last.
    demo.communicate(timeout=scale_timeout(60))

    told = request_to_end is not signal.SIGKILL
    assert demo.returncode == (_INTERRUPTED if told else -signal.SIGKILL)
    _until_gone(children)
    assert not any((_RUN / name).exists() for name in folders)


def _children_of(pid: int) -> list[int]:
    found = subprocess.run(
        ["ps", "-o", "pid=", "--ppid", str(pid)], capture_output=True, text=True, check=True
    )
    return [int(line) for line in found.stdout.split()]


def _folders_of(pid: int) -> list[str]:
    found = subprocess.run(
        ["ps", "-ww", "-o", "args=", "-p", str(pid)], capture_output=True, text=True, check=True
    )
    return re.findall(r"platform-[a-z0-9_]+", found.stdout)


def _until_gone(pids: list[int], within_s: float = 20) -> None:
    """`ps` counts those that nobody has reaped yet, which run no more."""
    deadline = datetime.now(UTC).timestamp() + within_s  # noqa: TID251 - a test's own patience
    while left := [pid for pid in pids if _state_of(pid)]:
        assert datetime.now(UTC).timestamp() < deadline, left  # noqa: TID251


def _state_of(pid: int) -> str:
    found = subprocess.run(
        ["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False
    )
    return found.stdout.strip().removeprefix("Z")


_DELIVERY = Delivery("piece", "A4-1", Role.MOE, Purpose.ACTION, None, None)
_EXPECTED = [Status.DEPOSEE, Status.A_ASSOCIER_MOE]


def a_run() -> JourneyRun:
    """A run of which one hop, two statuses and one delay are expected."""
    run = JourneyRun(Journey("acompte", ONE_SIRET, write_ubl, ()), context=None)  # type: ignore[arg-type]
    run.pieces.append({"piece_id": "piece", "number": "A4-1"})
    run.deliveries[_DELIVERY] += 1
    run.statuses["piece"] = list(_EXPECTED)
    run.delays.append(("piece", "etat_acompte"))
    return run


def some_events(
    hops: int = 1,
    service: str | None = None,
    statuses: list[Status] = _EXPECTED,
    delays: int = 1,
) -> RoutingEvents:
    """What has come: just that, unless said otherwise."""
    events = RoutingEvents(lambda: datetime(2026, 1, 1, tzinfo=UTC))
    forwarded: dict[str, Any] = {
        "piece_id": "piece",
        "number": "A4-1",
        "role": Role.MOE,
        "recipient": PartyV1(structure="90000000200015", service=service),
        "purpose": Purpose.ACTION,
        "engagement": None,
    }
    hop = Hop("event", "topic", PieceForwarded.model_construct(**forwarded), None)
    events.hops += [hop] * hops
    events.statuses["piece"] = list(statuses)
    events.delays = Counter({("piece", "etat_acompte"): delays} if delays else {})
    return events


def test_what_came_as_expected_differs_in_nothing() -> None:
    assert find_differences([a_run()], some_events()) == []
    assert find_lost([a_run()], some_events()) == set()


@pytest.mark.parametrize(
    ("events", "fault", "said"),
    [
        (some_events(hops=0), Fault.LOST, "missing hop of A4-1 to moe"),
        (some_events(hops=2), Fault.DUPLICATED, "unexpected hop of A4-1 to moe"),
        (some_events(service="VOIRIE"), Fault.LOST, "missing hop of A4-1 to moe"),
        (some_events(service="VOIRIE"), Fault.DUPLICATED, "unexpected hop of A4-1 to moe"),
        (some_events(statuses=_EXPECTED[:1]), Fault.LOST, "statuses of A4-1"),
        (some_events(statuses=_EXPECTED * 2), Fault.DUPLICATED, "statuses of A4-1"),
        (some_events(statuses=_EXPECTED[::-1]), Fault.OUT_OF_ORDER, "statuses of A4-1"),
        (some_events(delays=0), Fault.LOST, "delays passed"),
        (some_events(delays=2), Fault.DUPLICATED, "delays passed"),
    ],
)
def test_anything_missing_or_too_much_is_said(
    events: RoutingEvents, fault: Fault, said: str
) -> None:
    found = find_differences([a_run()], events)

    assert any(said in each.text for each in found if each.fault is fault)


def test_a_piece_that_reached_nobody_is_lost() -> None:
    assert find_lost([a_run()], some_events(hops=0)) == {"piece"}
