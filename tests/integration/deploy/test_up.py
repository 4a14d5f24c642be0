"""`make up` and `make down`: what is printed works, what ends comes back, data stay, all ends."""

import asyncio
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from deploy.local import SERVICES
from deploy.local.programs import ROOT
from tests.integration.deploy.conftest import NO_KAFKA
from tests.kit.processes import find_descendants, is_gone
from tests.kit.waiting import scale_timeout, wait_until

_START_LIMIT_S = 120
_COMMAND = (sys.executable, "-m", "deploy.local")
_SIRET = "90000000100017"
_DECLARATION = {
    "identifier_type": "SIRET",
    "identifier": _SIRET,
    "name": "Bâtisseurs du Rhône",
    "kind": "PRIVEE",
}


def _wait_until(look: Callable[[], object], what: str) -> None:
    # asyncio.run would leave pytest's thread without an event loop.
    loop = asyncio.new_event_loop()
    try:
        loop.run_until_complete(wait_until(look, what, _START_LIMIT_S))
    finally:
        loop.close()


class Launcher:
    """`make up` in the background."""

    def __init__(self, backend: str, run_dir: Path) -> None:
        """Start it; what it prints goes to a file."""
        self._output = run_dir.with_suffix(".out")
        self.run_dir = run_dir
        with self._output.open("w") as output:
            self.process = subprocess.Popen(
                [*_COMMAND, "up", f"--backend={backend}", f"--run-dir={run_dir}"],
                cwd=ROOT,
                stdout=output,
                stderr=subprocess.STDOUT,
            )

    @property
    def said(self) -> str:
        """All it has printed."""
        return self._output.read_text(encoding="utf-8")

    @property
    def block(self) -> str:
        """What is to be pasted."""
        return self.said.partition("to paste into another shell:\n\n")[2].partition("\n\n")[0]

    @property
    def origin(self) -> str:
        """The address it prints."""
        return self.block.splitlines()[0].removeprefix("ORIGIN=")

    def sign_in(self) -> dict[str, str]:
        """Ask the issuer that it prints for a token, and give the headers of its owner."""
        issuer = self.block.splitlines()[1].removeprefix("ISSUER=")
        asked = {"grant_type": "password", "username": "claire@exemple.fr", "siret": _SIRET}
        token = httpx.post(f"{issuer}/token", data=asked).json()["access_token"]
        return {"Authorization": f"Bearer {token}"}

    def until_ready(self) -> None:
        """Wait for the block."""

        def prints_block() -> bool:
            assert self.process.poll() is None, self.said
            return "AIGUILLAGE_ISSUERS=" in self.block

        _wait_until(prints_block, "make up is ready")

    def pid(self, command: str) -> int:
        """Find a process that it started by a part of its command line."""
        (found,) = (
            pid for pid, line in find_descendants(self.process.pid).items() if command in line
        )
        return found

    def down(self) -> str:
        """Stop it as `make down` does, and give what that prints."""
        return subprocess.run(
            [*_COMMAND, "down", f"--run-dir={self.run_dir}"],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=True,
            timeout=scale_timeout(_START_LIMIT_S),
        ).stdout


@pytest.fixture(scope="module")
def embedded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Launcher]:
    launcher = Launcher("embedded", tmp_path_factory.mktemp("up") / "run")
    yield launcher
    launcher.process.terminate()
    launcher.process.wait(scale_timeout(_START_LIMIT_S))


def test_the_block_that_is_printed_works_when_it_is_pasted(embedded: Launcher) -> None:
    embedded.until_ready()
    script = f"""{embedded.block}
curl -sS --fail-with-body "$ORIGIN/"
curl -sS --fail-with-body "$ORIGIN/organisation/v1/openapi.json" -o /dev/null
{sys.executable} -m deploy.topics
{sys.executable} -m shared.runtime.messaging.dead_letters --service routing list
{sys.executable} -m services.portal rebuild structures
"""

    pasted = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=scale_timeout(_START_LIMIT_S),
    )

    assert pasted.returncode == 0, pasted.stdout + pasted.stderr
    assert '"deposit": {"docs": "/deposit/v1/docs"' in pasted.stdout
    assert "topics and their dead letters are there" in pasted.stdout


def test_the_addresses_that_are_printed_answer_as_they_stand(embedded: Launcher) -> None:
    embedded.until_ready()
    pages = re.findall(r"^  \w+ +(\S+/docs)  (\S+/metrics)$", embedded.said, re.MULTILINE)

    assert len(pages) == len(SERVICES)
    for docs, metrics in pages:
        page = httpx.get(docs).text
        head = httpx.head(docs)
        assert (head.status_code, head.content) == (200, b"")
        assert head.headers["content-length"] == str(len(page.encode()))
        (script,) = re.findall(r'<script src="([^"]+)"', page)
        assert httpx.get(embedded.origin + script).is_success
        assert "aiguillage_" in httpx.get(metrics).text


@pytest.mark.parametrize(
    ("name", "command", "path"),
    [
        ("notification", "services.notification", "/notification/v1/openapi.json"),
        ("gateway", "bin/caddy", "/"),
        ("store", "secantus_server", "/"),
    ],
)
def test_what_is_killed_is_said_to_be_and_is_started_again(
    embedded: Launcher, name: str, command: str, path: str
) -> None:
    embedded.until_ready()
    killed = embedded.pid(command)

    os.kill(killed, signal.SIGKILL)

    _wait_until(lambda: f"\n{name} is back\n" in embedded.said, name)
    log = embedded.run_dir / "logs" / f"{name}.log"
    assert f"{name} was ended by SIGKILL: it starts again in 0.5 s; its log: {log}\n" in (
        embedded.said
    )
    assert embedded.pid(command) != killed
    assert httpx.get(embedded.origin + path).is_success


def test_the_broker_in_memory_ends_all_when_it_ends(embedded: Launcher) -> None:
    embedded.until_ready()
    started = find_descendants(embedded.process.pid)
    # Broker, store, issuer, mail sink, six services, gateway, watchdog, and the readers of deposit.
    assert len(started) > 12

    os.kill(embedded.pid("tansu"), signal.SIGKILL)

    assert embedded.process.wait(scale_timeout(_START_LIMIT_S)) == 1
    assert "error: broker was ended by SIGKILL, and its records were in memory" in embedded.said
    assert "\nstopped\n" not in embedded.said
    assert [pid for pid in started if not is_gone(pid)] == []


def test_the_terminal_says_what_stays_and_that_all_has_stopped(tmp_path: Path) -> None:
    launcher = Launcher("embedded", tmp_path / "run")
    launcher.until_ready()
    started = find_descendants(launcher.process.pid)

    launcher.process.terminate()

    assert launcher.process.wait(scale_timeout(_START_LIMIT_S)) == 0
    assert launcher.said.endswith("\nstopped\n")
    assert f"its logs stay in {launcher.run_dir}\n" in launcher.said
    assert (launcher.run_dir / "logs" / "deposit.log").is_file()
    assert [pid for pid in started if not is_gone(pid)] == []


@pytest.mark.native
@pytest.mark.skipif(NO_KAFKA is not None, reason=NO_KAFKA or "")
def test_on_native_the_next_run_finds_the_data_of_one_that_was_killed_and_down_ends_it(
    tmp_path: Path,
) -> None:
    path = f"/organisation/v1/structures/{_SIRET}"
    first = Launcher("native", tmp_path / "run")
    first.until_ready()
    assert f"it begins empty, and keeps its data in {first.run_dir}\n" in first.said
    started = find_descendants(first.process.pid)
    declared = httpx.put(first.origin + path, headers=first.sign_in(), json=_DECLARATION)

    first.process.kill()
    first.process.wait(scale_timeout(_START_LIMIT_S))
    second = Launcher("native", tmp_path / "run")
    second.until_ready()
    assert f"it goes on with the data in {second.run_dir}; FRESH=1" in second.said
    started |= find_descendants(second.process.pid)
    found = httpx.get(second.origin + path, headers=second.sign_in())
    stopped, nothing = second.down(), second.down()

    assert declared.is_success
    assert found.json()["name"] == _DECLARATION["name"]
    assert (stopped, nothing) == (
        f"stopped what ran in {second.run_dir}\n",
        "nothing was running\n",
    )
    assert second.process.wait(scale_timeout(_START_LIMIT_S)) == 0
    assert second.said.endswith("\nstopped\n")
    assert [pid for pid in started if not is_gone(pid)] == []
