"""Lines of the logs: those that a library repeats are limited, and none of ours is left out."""

import json
import logging
from threading import Thread

import pytest

from shared.runtime.logs import RepeatLimit, configure_logging, get_logger

_TEMPLATE = "Unable connect to node with id %s: %s"


def a_record(
    name: str = "aiokafka", template: str = _TEMPLATE, node: int = 1, level: int = logging.ERROR
) -> logging.LogRecord:
    return logging.LogRecord(name, level, __file__, 1, template, (node, "refused"), None)


def select(limit: RepeatLimit, now: float, **record: object) -> list[tuple[str, int]]:
    """Select at a moment; give the text of each line, and how many it stands for beside itself."""
    selected = limit.select(a_record(**record), now)  # type: ignore[arg-type]
    return [(each.getMessage(), getattr(each, "suppressed", 0)) for each in selected]


def test_a_repeated_line_is_logged_at_once_and_then_once_an_interval_with_its_count() -> None:
    limit = RepeatLimit()

    assert select(limit, 100.0) == [("Unable connect to node with id 1: refused", 0)]
    assert [select(limit, 100.0 + n / 10, node=n) for n in range(1, 300)] == [[]] * 299
    # Of 300 lines, 299 were left out: the last of them stands for 298 others.
    assert select(limit, 130.0, node=7) == [("Unable connect to node with id 299: refused", 298)]
    assert select(limit, 160.0, node=8) == [("Unable connect to node with id 7: refused", 0)]


def test_what_was_left_out_is_logged_at_the_next_line_of_anybody() -> None:
    limit = RepeatLimit()
    for node in (1, 2, 3):
        select(limit, 100.0, node=node)

    assert select(limit, 900.0, name="shared.runtime.backoff", template="%s %s") == [
        ("Unable connect to node with id 3: refused", 1),
        ("1 refused", 0),
    ]
    assert select(limit, 931.0) == [("Unable connect to node with id 1: refused", 0)]


@pytest.mark.parametrize(
    "other",
    [
        {"name": "aiokafka.conn"},
        {"template": "Failed fetch messages from %s: %s"},
        {"level": logging.WARNING},
    ],
    ids=str,
)
def test_each_logger_level_and_template_has_an_interval_of_its_own(
    other: dict[str, object],
) -> None:
    limit = RepeatLimit()
    select(limit, 100.0)

    assert len(select(limit, 100.0, **other)) == 1
    assert select(limit, 100.0, **other) == []


@pytest.mark.parametrize("name", ["shared.runtime.lane", "services.deposit", "asyncio", "uvicorn"])
def test_no_line_of_ours_or_of_another_library_is_left_out(name: str) -> None:
    limit = RepeatLimit()

    assert [len(select(limit, 100.0, name=name)) for _ in range(50)] == [1] * 50


def test_lines_of_a_service_have_their_time_and_the_count_of_those_left_out(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    # Those of the session are neither closed nor lost.
    monkeypatch.setattr(logging.getLogger(), "handlers", [])
    configure_logging("essai", "INFO")
    clock = iter([100.0, 100.0, 100.0, 140.0])
    monkeypatch.setattr("shared.runtime.logs.time.monotonic", lambda: next(clock))
    for node in (1, 2, 3):
        logging.getLogger("aiokafka").error(_TEMPLATE, node, "refused")
    get_logger("shared.essai").info("essai.said", count=1)

    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(line["event"], line.get("suppressed")) for line in lines] == [
        ("Unable connect to node with id 1: refused", None),
        ("Unable connect to node with id 3: refused", 1),
        ("essai.said", None),
    ]
    assert [next(iter(line)) for line in lines] == ["timestamp"] * 3
    assert lines[0]["timestamp"] <= lines[1]["timestamp"] <= lines[2]["timestamp"]
    assert all(len(line["timestamp"]) == len("2026-11-30T06:15:17.875757Z") for line in lines)


def test_the_line_of_a_library_s_own_thread_names_the_service(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(logging.getLogger(), "handlers", [])
    configure_logging("toy", "INFO")

    thread = Thread(target=logging.getLogger("opentelemetry").error, args=("not taken",))
    thread.start()
    thread.join()
    get_logger("shared.own").info("ours")

    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(line["event"], line["service"]) for line in lines] == [
        ("not taken", "toy"),
        ("ours", "toy"),
    ]
