"""The demo of support tells the truth: it ends well on a sound service, and on nothing less."""

import json
import os
import re
import subprocess
import sys
from typing import Any

import pytest

from deploy.local.backends import choose
from deploy.local.demo_support.report import Report
from deploy.local.demo_support.ticket_events import TicketEvents
from deploy.local.programs import ROOT
from shared.contracts.support_v1 import TicketChanged, TicketSubmitted
from shared.contracts.topics import TICKET
from shared.vocabulary.tickets import Desk
from tests.kit.waiting import scale_timeout

_GOLDEN = ROOT / "tests" / "contracts" / "golden" / TicketSubmitted.event_type / "1.json"
_SUBMITTED: dict[str, Any] = json.loads(_GOLDEN.read_text(encoding="utf-8"))
_NUMBER = _SUBMITTED["data"]["number"]
_HERE, _ELSEWHERE = TICKET[Desk.METIER], TICKET[Desk.TECHNIQUE]


def test_it_carries_every_chapter_to_its_end() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "deploy.local.demo_support"],
        cwd=ROOT,
        env={**os.environ, "BACKEND": choose().backend},  # noqa: TID251 - it needs PATH and HOME
        capture_output=True,
        text=True,
        check=False,
        timeout=scale_timeout(240),
    )

    assert done.returncode == 0, done.stdout + done.stderr
    last = done.stdout.splitlines()[-1]
    assert re.fullmatch(r"demo-support: ok, 5 tickets, 10 events, (\d+) of \1 claims hold", last)
    assert "Il ouvre le jeudi 15 juillet 2027 à 8 h 30." in done.stdout
    assert "Il ouvre le lundi 19 juillet 2027 à 8 h 30." in done.stdout


def a_record(event_id: str = "1") -> bytes:
    return json.dumps({**_SUBMITTED, "id": event_id}).encode()


async def test_what_came_as_awaited_differs_in_nothing() -> None:
    events = TicketEvents()
    events.record(_HERE.name, a_record())
    events.record(_HERE.name, a_record())

    told = await events.wait_for(_NUMBER, _HERE, TicketSubmitted)

    assert told is not None
    assert told.number == _NUMBER
    assert events.list_differences() == []


async def test_an_event_of_another_kind_is_not_what_is_awaited() -> None:
    events = TicketEvents()
    events.record(_HERE.name, a_record())

    assert await events.wait_for(_NUMBER, _HERE, TicketChanged) is None
    assert events.list_differences()


async def test_an_event_that_does_not_come_is_waited_for_and_missed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("deploy.local.demo_support.ticket_events._TIMEOUT_S", 0.01)
    events = TicketEvents()
    events.record(_ELSEWHERE.name, a_record())

    assert await events.wait_for(_NUMBER, _HERE, TicketSubmitted) is None
    assert [each.split(" : ")[0] for each in events.list_differences()] == [
        f"{_NUMBER} sur {_HERE.name}",
        f"{_NUMBER} sur {_ELSEWHERE.name}",
    ]


async def test_an_event_too_many_is_said() -> None:
    events = TicketEvents()
    events.record(_HERE.name, a_record("1"))
    await events.wait_for(_NUMBER, _HERE, TicketSubmitted)
    events.record(_HERE.name, a_record("2"))

    assert events.list_differences()


def test_a_claim_that_does_not_hold_is_named_with_what_was_seen() -> None:
    report = Report()

    report.claim("vrai", 1, 1)
    report.claim("faux", seen=None, expected=True)

    assert (report.held, report.wrong) == (1, ["faux : None au lieu de True"])
