"""When the platform cannot start, one line says why and what to do."""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.local import Backend, LaunchError, Platform, choose, kafka
from deploy.local.ports import HOST, find_free_port
from tests.integration.deploy.conftest import NO_KAFKA
from tests.kit.waiting import scale_timeout


@pytest.fixture
def taken_port() -> Iterator[int]:
    port = find_free_port()
    with socket.socket() as listener:
        listener.bind((HOST, port))
        listener.listen()
        yield port


@pytest.fixture
def bare_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine with none of the programs we know."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("BACKEND", raising=False)
    monkeypatch.setattr(kafka, "_CACHE", tmp_path / "cache")
    return tmp_path


def test_a_port_that_was_asked_for_and_is_taken_is_named(taken_port: int) -> None:
    platform = Platform(Backend.EMBEDDED, services=(), base_port=taken_port)

    with pytest.raises(LaunchError, match=rf"^port {taken_port}, asked for broker, is taken"):
        platform.start()


def test_the_command_line_says_so_in_one_line_without_a_stack_trace(taken_port: int) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "deploy.local", "up", f"--base-port={taken_port}"],
        capture_output=True,
        text=True,
        check=False,
        timeout=scale_timeout(60),
    )

    assert done.returncode == 1
    assert done.stderr.splitlines() == [
        f"error: port {taken_port}, asked for gateway, is taken: choose another base"
    ]


def test_a_port_taken_between_choice_and_use_is_replaced(
    taken_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    ports = iter([taken_port])
    monkeypatch.setattr(
        "deploy.local.platform.find_free_port", lambda: next(ports, None) or find_free_port()
    )

    with Platform(Backend.EMBEDDED, services=()) as platform:
        assert str(taken_port) not in platform.addresses.mongo


def test_a_service_that_does_not_start_shows_its_last_words() -> None:
    platform = Platform(Backend.EMBEDDED, services=("tests.integration.deploy.absent",))

    with pytest.raises(LaunchError, match="absent ended before it was ready") as failure:
        platform.start()

    assert "No module named tests.integration.deploy.absent" in str(failure.value)
    assert not any(platform.is_alive(name) for name in platform.names)


def test_a_full_disk_is_said_before_anything_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("deploy.local.platform._FREE_MIN_MB", 10**12)

    with pytest.raises(LaunchError, match=r"^only \d+ MB free in "):
        Platform(Backend.EMBEDDED, services=()).start()


@pytest.mark.usefixtures("bare_path")
def test_without_java_the_tests_run_on_the_embedded_backend_and_say_why() -> None:
    choice = choose()

    assert choice.backend is Backend.EMBEDDED
    assert choice.reason.startswith("no Java here")


@pytest.mark.usefixtures("bare_path")
def test_a_native_backend_that_cannot_be_had_is_refused_in_one_line() -> None:
    with pytest.raises(LaunchError, match=r"^native backend: no Java here.*apt-get install .*$"):
        Platform(Backend.NATIVE, services=()).start()


def test_an_old_java_is_named_with_its_version(bare_path: Path) -> None:
    _script(bare_path / "java", "echo 'openjdk version \"11.0.2\" 2019-01-15' >&2")

    assert choose().reason.startswith("Java 11 is too old")


def test_a_missing_maven_is_named(bare_path: Path) -> None:
    _script(bare_path / "java", "echo 'openjdk version \"21\" 2023-09-19' >&2")

    assert choose().reason.startswith("no Maven here")


def test_a_maven_that_resolves_nothing_is_quoted_and_leaves_no_half_of_it(
    bare_path: Path,
) -> None:
    _script(bare_path / "java", "echo 'openjdk version \"17.0.1\"' >&2")
    _script(bare_path / "mvn", "echo '[ERROR] Unknown host'; exit 1")

    with pytest.raises(LaunchError, match=r"^Maven could not fetch.*\[ERROR\] Unknown host$"):
        kafka.prepare(bare_path / "data")
    assert choose().backend is Backend.NATIVE
    assert [entry.name for entry in (bare_path / "cache").iterdir()] == ["kafka.lock"]


def test_a_forced_backend_is_taken_and_an_unknown_one_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("BACKEND", "embedded")
    assert choose().backend is Backend.EMBEDDED

    monkeypatch.setenv("BACKEND", "podman")
    with pytest.raises(LaunchError, match=r"^BACKEND=podman is unknown: choose embedded"):
        choose()


@pytest.fixture
def no_engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine whose engine is not running."""
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/docker.sock")


@pytest.mark.usefixtures("no_engine")
def test_a_docker_backend_without_an_engine_is_refused_in_one_line(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("BACKEND", "docker")
    assert choose().backend is Backend.DOCKER

    with pytest.raises(LaunchError, match=r"^docker backend: no Docker engine answers here$"):
        Platform(Backend.DOCKER, services=()).start()


@pytest.mark.usefixtures("no_engine")
def test_the_demo_says_so_too_in_one_line() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "deploy.local.demo"],
        env={**os.environ, "BACKEND": "docker"},  # noqa: TID251 - it needs PATH and HOME
        capture_output=True,
        text=True,
        check=False,
        timeout=scale_timeout(60),
    )

    assert done.returncode == 1
    assert done.stderr.splitlines() == ["error: docker backend: no Docker engine answers here"]


@pytest.mark.skipif(NO_KAFKA is not None, reason=NO_KAFKA or "")
def test_with_java_and_maven_the_tests_run_on_the_real_kafka(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("BACKEND", raising=False)

    assert choose().backend is Backend.NATIVE


def _script(path: Path, body: str) -> None:
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)
