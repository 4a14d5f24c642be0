"""Apache Kafka and MongoDB in containers (testcontainers), on machines with an engine.

Each has the same port inside and outside its container, because brokers and replica sets tell their
clients the address to use.
"""

import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from threading import Thread

from docker.errors import APIError, DockerException, NotFound
from docker.models.containers import Container
from pymongo import MongoClient
from pymongo.errors import OperationFailure, PyMongoError
from testcontainers.core.container import DockerContainer
from testcontainers.core.docker_client import DockerClient

from deploy.errors import LaunchError
from deploy.local.ports import HOST, accepts
from deploy.local.processes import GRACE_S
from deploy.local.watchdog import Watchdog
from deploy.topics import is_serving

KAFKA_IMAGE = "apache/kafka:4.3.1"
MONGO_IMAGE = "mongo:8.0.17"
REPLICA_SET = "rs0"
_CONTROLLER_PORT = 19_093
_NOT_INITIALISED = 94


def find_missing_engine() -> str | None:
    """Describe what is missing to run containers here; None when nothing is."""
    try:
        DockerClient().client.ping()
    except DockerException:
        return "no Docker engine answers here"
    return None


class RunningContainer:
    """Running container, with the interface of a process."""

    def __init__(self, container: Container, log: Path, since: float) -> None:
        """Copy the container's output from time `since` on to the end of the file `log`."""
        self._container = container
        Thread(target=_copy_log, args=(container, log, since), daemon=True).start()

    @property
    def pid(self) -> int:
        """Process id of the container's first process, on the machine of the engine."""
        self._container.reload()
        return int(self._container.attrs["State"]["Pid"])

    def is_alive(self) -> bool:
        """Whether the container runs; False also when it was removed."""
        try:
            self._container.reload()
        except NotFound:
            return False
        return bool(self._container.status == "running")

    def describe_end(self) -> str:
        """Describe how the container ended: its exit status."""
        self._container.reload()
        return f"ended by itself with status {self._container.attrs['State']['ExitCode']}"

    def ask_to_end(self) -> None:
        """Send SIGTERM without waiting."""
        with suppress(APIError):
            self._container.kill("SIGTERM")

    def end(self) -> None:
        """Send SIGTERM and wait; send SIGKILL after the grace period."""
        with suppress(NotFound):
            self._container.stop(timeout=GRACE_S)

    def kill(self) -> None:
        """Send SIGKILL and wait until the container has ended."""
        # The container may have ended by itself.
        with suppress(APIError):
            self._container.kill()
        with suppress(NotFound):
            self._container.wait()


class ContainerProgram:
    """Program in a container that serves one port. A restart keeps its data."""

    def __init__(
        self,
        image: str,
        *,
        command: Callable[[int], str],
        env: Callable[[int], Mapping[str, str]],
        is_ready: Callable[[int], bool],
    ) -> None:
        """Configure the container, which `start` creates."""
        self.is_ready = is_ready
        self._image = image
        self._command = command
        self._env = env
        self._created: tuple[int, DockerContainer] | None = None

    def start(
        self,
        port: int,
        *,
        env: Mapping[str, str],
        log: Path,
        watchdog: Watchdog,  # noqa: ARG002 - testcontainers has one of its own
    ) -> RunningContainer:
        """Start the container on `port`; reuse the earlier one, and its `env`, if it has that port.

        Raises LaunchError when a new one does not start.
        """
        since = time.time()
        if self._created and self._created[0] == port:
            container = self._created[1].get_wrapped_container()
            container.start()
            return RunningContainer(container, log, since)
        self.discard()
        created = DockerContainer(self._image).with_envs(**self._env(port), **env)
        # Publish the port on loopback only, for which `with_bind_ports` has no option.
        created.ports[f"{port}/tcp"] = (HOST, port)  # type: ignore[assignment]
        created.with_command(self._command(port))
        self._created = (port, created)
        try:
            created.start()
        except DockerException as error:
            raise LaunchError(f"docker backend: {self._image} does not start: {error}") from None
        return RunningContainer(created.get_wrapped_container(), log, since)

    def discard(self) -> None:
        """Remove the container and its data."""
        if self._created:
            with suppress(DockerException):
                self._created[1].stop()
            self._created = None


def build_broker() -> ContainerProgram:
    """Build the container of Apache Kafka, one node. Raises LaunchError."""
    _require_engine()
    return ContainerProgram(
        KAFKA_IMAGE,
        command=lambda _: "",
        env=_build_kafka_env,
        is_ready=lambda port: accepts(port) and is_serving(f"{HOST}:{port}"),
    )


def build_store() -> ContainerProgram:
    """Build the container of MongoDB, a replica set of one. Raises LaunchError."""
    _require_engine()
    return ContainerProgram(
        MONGO_IMAGE,
        command=lambda port: f"mongod --replSet {REPLICA_SET} --bind_ip_all --port {port}",
        env=lambda _: {},
        is_ready=lambda port: accepts(port) and _ensure_primary(port),
    )


def _require_engine() -> None:
    missing = find_missing_engine()
    if missing is not None:
        raise LaunchError(f"docker backend: {missing}")


def _build_kafka_env(port: int) -> Mapping[str, str]:
    return {
        "KAFKA_NODE_ID": "1",
        "KAFKA_PROCESS_ROLES": "broker,controller",
        "KAFKA_LISTENERS": f"PLAINTEXT://:{port},CONTROLLER://:{_CONTROLLER_PORT}",
        "KAFKA_ADVERTISED_LISTENERS": f"PLAINTEXT://{HOST}:{port}",
        "KAFKA_CONTROLLER_LISTENER_NAMES": "CONTROLLER",
        "KAFKA_INTER_BROKER_LISTENER_NAME": "PLAINTEXT",
        "KAFKA_LISTENER_SECURITY_PROTOCOL_MAP": "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT",
        "KAFKA_CONTROLLER_QUORUM_VOTERS": f"1@localhost:{_CONTROLLER_PORT}",
        "KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR": "1",
        "KAFKA_OFFSETS_TOPIC_NUM_PARTITIONS": "3",
        "KAFKA_TRANSACTION_STATE_LOG_REPLICATION_FACTOR": "1",
        "KAFKA_TRANSACTION_STATE_LOG_MIN_ISR": "1",
        "KAFKA_TRANSACTION_STATE_LOG_NUM_PARTITIONS": "3",
        "KAFKA_AUTO_CREATE_TOPICS_ENABLE": "false",
        "KAFKA_GROUP_INITIAL_REBALANCE_DELAY_MS": "0",
        "KAFKA_BROKER_SESSION_TIMEOUT_MS": "3000",
        "KAFKA_BROKER_HEARTBEAT_INTERVAL_MS": "500",
        "KAFKA_HEAP_OPTS": "-Xmx512m",
    }


def _ensure_primary(port: int) -> bool:
    """Create the replica set at the first call. False until the store is its primary."""
    with MongoClient[dict[str, object]](
        HOST, port, directConnection=True, serverSelectionTimeoutMS=1_000
    ) as client:
        try:
            client.admin.command("replSetGetStatus")
            return bool(client.admin.command("hello")["isWritablePrimary"])
        except OperationFailure as error:
            if error.code == _NOT_INITIALISED:
                member = {"_id": 0, "host": f"{HOST}:{port}"}
                client.admin.command("replSetInitiate", {"_id": REPLICA_SET, "members": [member]})
        except PyMongoError:
            pass
    return False


def _copy_log(container: Container, log: Path, since: float) -> None:
    with suppress(DockerException, OSError), log.open("ab") as output:
        for chunk in container.logs(stream=True, follow=True, since=since):
            output.write(chunk)
            output.flush()
