"""Commands of an operator, when store or settings are not there: one line, a status of its own."""

import subprocess
import sys
from importlib import import_module

import pytest
from typer.testing import CliRunner

from shared.runtime.jobs import failing
from shared.runtime.messaging import dead_letters, unpublished
from tests.kit.einvoices import ROOT

_AWAY = "mongodb://127.0.0.1:1/"
_VERIFY = ["verify", "0199e0c6-0000-7000-8000-000000000001"]
_LISTS = [dead_letters, unpublished, failing]
_UNUSABLE = {
    "": "Empty host",
    "http://127.0.0.1": "Invalid URI scheme",
    "mongodb://127.0.0.1:port": "Port contains non-digit characters",
}


def call(module: object, *words: str, **settings: str) -> tuple[int, list[str]]:
    """Call a command line; give its exit status and the lines that it prints."""
    done = CliRunner().invoke(module.app, words, env=settings)  # type: ignore[attr-defined]
    return done.exit_code, done.output.splitlines()


_REBUILDS = """
import os, runpy, sys
from services.portal import bootstrap  # once, for all: it takes a second

for settings in {settings}:
    sys.stdout.flush()
    if pid := os.fork():
        print("status", os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
    else:
        os.environ.clear()
        os.environ.update(settings)
        sys.argv[1:] = ["rebuild"]
        runpy.run_module("services.portal", run_name="__main__")
"""


def rebuild(*settings: dict[str, str]) -> list[tuple[int, list[str]]]:
    """Rebuild the read models of portal by each of the settings; give statuses and lines.

    Each in a process of its own, as it configures the logs.
    """
    done = subprocess.run(
        [sys.executable, "-c", _REBUILDS.format(settings=settings)],
        env={},
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=True,
    )
    ended: list[tuple[int, list[str]]] = []
    lines: list[str] = []
    for line in done.stdout.splitlines():
        if line.startswith("status "):
            ended.append((int(line.removeprefix("status ")), lines))
            lines = []
        else:
            lines.append(line)
    return ended


@pytest.mark.parametrize("module", _LISTS)
@pytest.mark.parametrize(
    ("uri", "reason"), [(_AWAY, "Connection refused"), ("", "Empty host")], ids=["away", "empty"]
)
def test_a_list_says_in_one_line_that_its_store_cannot_be_asked(
    module: object, uri: str, reason: str
) -> None:
    status, (line,) = call(module, "--mongo", uri, "--service", "routing", "list")

    assert status == 3
    assert line.startswith("the store could not be asked: ")
    assert reason in line


@pytest.mark.parametrize(("uri", "reason"), [(_AWAY, "Connection refused"), *_UNUSABLE.items()])
def test_a_trail_that_could_not_be_read_is_not_one_that_does_not_hold(
    uri: str, reason: str
) -> None:
    status, (line,) = call(import_module("services.routing.__main__"), *_VERIFY, "--mongo", uri)

    assert status == 2
    assert line.startswith("the store could not be asked: ")
    assert reason in line


@pytest.mark.parametrize(("uri", "reason"), _UNUSABLE.items())
def test_a_service_names_the_setting_that_is_no_store(uri: str, reason: str) -> None:
    module = import_module("services.organisation.__main__")

    status, (line,) = call(module, AIGUILLAGE_KAFKA="k", AIGUILLAGE_MONGO=uri)

    assert status == 1
    assert line.startswith("organisation: AIGUILLAGE_MONGO: ")
    assert reason in line


def test_a_rebuild_without_settings_or_store_is_not_one_that_found_a_fault() -> None:
    (
        (unset, unset_lines),
        (unusable, (line,)),
        (no_broker, (fault,)),
        (away, (last,)),
    ) = rebuild(
        {},
        {"AIGUILLAGE_KAFKA": "127.0.0.1:1", "AIGUILLAGE_MONGO": ""},
        {"AIGUILLAGE_KAFKA": "broker:port", "AIGUILLAGE_MONGO": _AWAY},
        {"AIGUILLAGE_KAFKA": "127.0.0.1:1", "AIGUILLAGE_MONGO": _AWAY},
    )

    assert (unset, unusable, no_broker, away) == (3, 3, 3, 3)
    assert fault == (
        "portal: AIGUILLAGE_KAFKA: broker:port is no list of host:port, separated by commas"
    )
    assert unset_lines == ["portal: AIGUILLAGE_KAFKA: not set; AIGUILLAGE_MONGO: not set"]
    assert line.startswith("portal: AIGUILLAGE_MONGO: Empty host")
    assert last.startswith("portal: NOT finished, run it again once store and broker answer. ")


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["list", "--topic", ""], "it is empty"),
        (["discard", "--dossier", "", "--topic", "t"], "it is empty"),
        (["replay", "--reason", "", "--topic", "t"], "it is empty"),
        (["list", "--since", "0001-01-01T00:00+14:00"], "outside the years 1 to 9999"),
        (["discard", "--until", "9999-12-31T23:59:59-14:00"], "outside the years 1 to 9999"),
        (["list", "--since", "2026-02-01", "--until", "2026-01-01"], "not after --since"),
        (["replay", "--since", "2026-02-01", "--until", "2026-02-01"], "not after --since"),
        (["list", "--state", "Dead"], "Dead is none of dead, newer, parked"),
        (["discard", "--topic", "t", "--state", ""], "is none of dead, newer, parked"),
    ],
)
def test_a_filter_that_can_choose_nothing_sound_is_refused(
    words: list[str], reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A command that read its store in spite of it would raise.
    monkeypatch.setattr("shared.runtime.commands.open_collection", lambda *_: None)

    status, lines = call(dead_letters, "--mongo", _AWAY, "--service", "routing", *words)

    assert status == 2
    assert reason in " ".join(" ".join(lines).replace("│", " ").split())


def test_topics_are_created_on_no_broker_whose_address_cannot_be_read() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "deploy.topics", "--kafka", "broker:port"],
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 1
    assert done.stderr == "error: broker:port is no list of host:port, separated by commas\n"
