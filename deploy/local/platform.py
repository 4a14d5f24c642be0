"""Platform on one machine: starts, stops, kills and restarts its processes by name.

Replicas of a service are `routing`, `routing-2`, `routing-3`. Each may run from a source tree of
its own, so that two versions of a service run side by side.
"""

import shutil
import tempfile
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

from deploy.errors import LaunchError
from deploy.local import programs
from deploy.local.backends import Backend
from deploy.local.folder_lock import FolderLock
from deploy.local.ports import HOST, find_free_port, is_taken
from deploy.local.processes import Running, read_tail
from deploy.local.programs import ROOT, Startable
from deploy.local.watchdog import Watchdog
from deploy.topics import provision
from shared.contracts.public_paths import build_public_prefix
from shared.contracts.topics import TOPICS, Topic

SERVICES = (
    "services.organisation",
    "services.deposit",
    "services.routing",
    "services.notification",
    "services.portal",
    "services.support",
)
"""Modules of the services, for `python -m`. A service's name is the last part."""

ASKING: Mapping[str, Sequence[str]] = {"portal": ("deposit", "routing"), "support": ("portal",)}
"""Services that call others over HTTP, and those they call: settings hold their addresses."""

BROKER, STORE, GATEWAY = "broker", "store", "gateway"
_READY_LIMIT_S = 60.0
_POLL_S = 0.05
_PORT_ATTEMPTS = 5
_FREE_MIN_MB = 500
_DAY_S = 24 * 3600


@dataclass(frozen=True)
class Addresses:
    """Addresses of the parts of a running platform."""

    kafka: str
    mongo: str
    roots: Mapping[str, str]
    """Base URL of each service, below which are its health and metrics."""
    origin: str | None = None
    """Base URL of the gateway, which routes every path `/deposit/…` to service `deposit`."""
    replicas: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """Base URLs of the replicas of each service, as in `roots`. A replica may be down."""

    @property
    def services(self) -> Mapping[str, str]:
        """Base URL of the public routes of each service, without the gateway."""
        return {name: root + build_public_prefix(name) for name, root in self.roots.items()}


class Platform:
    """Broker, store and services on this machine. Leaving the `with` block ends them all."""

    def __init__(
        self,
        backend: Backend,
        *,
        services: Sequence[str] = SERVICES,
        replicas: int = 1,
        gateway: bool = False,
        run_dir: Path | None = None,
        fresh: bool = False,
        base_port: int | None = None,
        clock_offset_s: int = 0,
        ready_limit_s: float = _READY_LIMIT_S,
        env: Mapping[str, str] | None = None,
        topics: Sequence[Topic] = TOPICS,
    ) -> None:
        """Configure a platform; `start` runs it.

        Args:
            services: modules to run besides broker and store.
            replicas: number of replicas of each service. The gateway knows the first only; a
                service that asks another over HTTP asks the replica of its own rank.
            gateway: run a gateway, with one origin for all services.
            run_dir: folder of data and logs, which are kept; one platform at a time may use it.
                Default: a temporary folder that `stop` removes.
            fresh: delete the data that an earlier run left in `run_dir`. A backend that does not
                keep data always does.
            base_port: first port; gateway, services, broker and store take theirs in this order.
                Default: any free ports.
            clock_offset_s: seconds by which the services' clocks are ahead, to let weeks pass.
            ready_limit_s: timeout of the start of each process, in seconds.
            env: environment variables of all services, besides those of the platform.
            topics: topics to create.
        """
        self.backend = backend
        self._services = {module.rpartition(".")[2]: module for module in services}
        self._replicas = [
            *self._services,
            *(f"{name}-{rank}" for rank in range(2, replicas + 1) for name in self._services),
        ]
        self._has_gateway = gateway
        self._kept_dir = run_dir
        self._is_fresh = fresh or not backend.keeps_data
        self._clock_offset_s = clock_offset_s
        self._topics = topics
        self._fixed_ports = base_port is not None
        self._ready_limit_s = ready_limit_s
        self._env = env or {}
        self._ports: dict[str, int] = {}
        if base_port is not None:
            names = [*([GATEWAY] if gateway else []), *self._replicas, BROKER, STORE]
            self._ports = {name: base_port + rank for rank, name in enumerate(names)}
        self._programs: dict[str, Startable] = {}
        self._processes: dict[str, Running] = {}

    def __enter__(self) -> Self:
        """Start the platform."""
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop the platform."""
        self.stop()

    def start(self) -> Self:
        """Start all processes; return when they are ready.

        Raises LaunchError when that fails; all are stopped then.
        """
        self._run_dir = self._kept_dir or _create_scratch_dir()
        self._lock = FolderLock(self._run_dir)
        self._watchdog = Watchdog(
            None if self._kept_dir else self._run_dir, inherits=[self._lock.fileno()]
        )
        try:
            self._prepare_folder()
            self._check_ports()
            self._programs[STORE] = programs.build_store(self.backend, self._run_dir / STORE)
            self._programs[BROKER] = programs.build_broker(self.backend, self._run_dir / BROKER)
            self._bring_up(STORE, BROKER)
            provision(self.addresses.kafka, self._topics)
            for name in self._replicas:
                self.install(name)
            self._bring_up(*sorted(self._replicas, key=lambda name: name in ASKING))
            if self._has_gateway:
                self._programs[GATEWAY] = programs.build_gateway(
                    self._run_dir / GATEWAY, {name: self._ports[name] for name in self._services}
                )
                self._bring_up(GATEWAY)
        except BaseException:
            self.stop()
            raise
        return self

    def stop(self) -> None:
        """Stop the services, then all other processes, and remove a temporary folder."""
        self._end(name for name in self._processes if name in self._replicas)
        self._end(self._processes)
        self._processes.clear()
        for program in self._programs.values():
            program.discard()
        self._watchdog.close()
        self._lock.release()

    def install(self, name: str, tree: Path = ROOT, env: Mapping[str, str] | None = None) -> None:
        """Set the source tree and the environment of a replica, from its next start on.

        A name that is new, `routing-2`, adds a replica: `spawn` starts it.
        """
        if name not in self._replicas:
            self._replicas.append(name)
        service, rank = _split_replica(name)
        variables = {**self._build_service_env(), "AIGUILLAGE_INSTANCE": rank, **(env or {})}
        self._programs[name] = programs.build_service(self._services[service], variables, tree)

    def kill(self, name: str) -> None:
        """Send SIGKILL to a process and wait until it has ended."""
        self._processes[name].kill()

    def end(self, name: str) -> str:
        """Send SIGTERM to a process, wait until it has ended, and describe how it ended."""
        self._processes[name].end()
        return self.describe_end(name)

    def restart(self, name: str) -> str:
        """Restart a process on the same port with the same data; stop it first if it runs.

        Returns how it ended. Raises LaunchError when another program has taken the port. Tests and
        demos call it; after a process has ended by itself, `Supervisor` calls `spawn`.
        """
        ending = self.end(name)
        if is_taken(self._ports[name]):
            raise LaunchError(f"port {self._ports[name]} of {name} was taken while it was down")
        self.spawn(name)
        self.wait_until_ready(name)
        if name == BROKER:
            provision(self.addresses.kafka, self._topics)
        return ending

    def advance(self, days: int, *names: str) -> None:
        """Let days pass: restart the services, with their clocks so many days further ahead.

        With `names`, restart only those: the other clocks change at their next start.
        """
        self._clock_offset_s += days * _DAY_S
        moved = names or tuple(self._replicas)
        self._end(moved)
        for name in moved:
            self.spawn(name)
        for name in moved:
            self.wait_until_ready(name)

    def get_pid(self, name: str) -> int:
        """Return the id of a process since its latest start."""
        return self._processes[name].pid

    def is_alive(self, name: str) -> bool:
        """Whether a process runs."""
        return self._processes[name].is_alive()

    def is_ready(self, name: str) -> bool:
        """Whether a process is ready, by its readiness check."""
        return self._programs[name].is_ready(self._ports[name])

    def describe_end(self, name: str) -> str:
        """Describe how a process ended: its exit status or signal."""
        return self._processes[name].describe_end()

    def get_log(self, name: str) -> Path:
        """Return the path of the log of a process: all its output since the platform's start."""
        return self.logs / f"{name}.log"

    @property
    def logs(self) -> Path:
        """Folder of the logs, one for each process. Those of the run before: `logs-before`."""
        return self._run_dir / "logs"

    @property
    def names(self) -> tuple[str, ...]:
        """Names of all processes that were started."""
        return tuple(self._processes)

    def list_replicas(self, rank: int) -> tuple[str, ...]:
        """List the replicas of a rank, one for each service; the first rank is 1."""
        return tuple(name for name in self._replicas if _split_replica(name)[1] == str(rank))

    @property
    def addresses(self) -> Addresses:
        """Addresses of the running platform."""
        replicas: dict[str, list[str]] = {}
        for name in self._replicas:
            if name in self._ports:
                service, _ = _split_replica(name)
                replicas.setdefault(service, []).append(f"http://{HOST}:{self._ports[name]}")
        return Addresses(
            kafka=f"{HOST}:{self._ports[BROKER]}",
            mongo=programs.build_store_uri(self.backend, self._ports[STORE]),
            roots={name: urls[0] for name, urls in replicas.items()},
            replicas=replicas,
            origin=f"http://{HOST}:{self._ports[GATEWAY]}" if GATEWAY in self._ports else None,
        )

    def _build_service_env(self) -> Mapping[str, str]:
        real_kafka = str(self.backend.has_real_kafka).lower()
        return {
            "AIGUILLAGE_KAFKA": self.addresses.kafka,
            "AIGUILLAGE_MONGO": self.addresses.mongo,
            "AIGUILLAGE_IDEMPOTENT_PRODUCER": real_kafka,
            "AIGUILLAGE_END_OFFSETS_RELIABLE": real_kafka,
            "AIGUILLAGE_TRUST_HEADERS": "true",
            # The gateway names its client by X-Forwarded-For.
            **({"AIGUILLAGE_PROXIES": HOST} if self._has_gateway else {}),
            **self._env,
        }

    def _build_changing_env(self, name: str) -> Mapping[str, str]:
        """Build the environment variables that may change between two starts of a service."""
        if name not in self._replicas:
            return {}
        service, rank = _split_replica(name)
        ports = {
            peer: self._ports.get(f"{peer}-{rank}", self._ports[peer])
            for peer in ASKING.get(service, ())
            if peer in self._ports
        }
        return {"AIGUILLAGE_CLOCK_OFFSET_S": str(self._clock_offset_s)} | {
            f"AIGUILLAGE_{peer.upper()}_URL": f"http://{HOST}:{port}"
            for peer, port in ports.items()
        }

    def _bring_up(self, *names: str) -> None:
        """Start processes in parallel, then wait until each is ready."""
        for name in names:
            self.spawn(name)
        for name in names:
            self.wait_until_ready(name, may_move=not self._fixed_ports)

    def spawn(self, name: str) -> None:
        """Start a process on its port and with its data, without waiting until it is ready.

        Kills the process that had the name.
        """
        if name in self._processes:
            # Even when it has ended by itself: the watchdog must forget its pid.
            self._processes[name].kill()
        program = self._programs[name]
        port = self._ports.setdefault(name, find_free_port())
        self._processes[name] = program.start(
            port,
            env=self._build_changing_env(name),
            log=self.get_log(name),
            watchdog=self._watchdog,
        )

    def wait_until_ready(self, name: str, *, may_move: bool = False) -> None:
        """Wait until a process is ready. If it `may_move`, a taken port is replaced.

        Raises LaunchError when it has ended, or is not ready before the timeout.
        """
        deadline = time.monotonic() + self._ready_limit_s
        moves = _PORT_ATTEMPTS if may_move else 0
        # Test `is_alive` after `is_ready`: another program may answer on the port.
        while not (self.is_ready(name) and self.is_alive(name)):
            if not self.is_alive(name):
                if not moves or not is_taken(self._ports[name]):
                    raise self.build_failure(name, "ended before it was ready")
                moves -= 1
                self._ports[name] = find_free_port()
                self.spawn(name)
                self._restart_askers(name)
            if time.monotonic() > deadline:
                raise self.build_failure(name, f"was not ready after {self._ready_limit_s:.0f} s")
            time.sleep(_POLL_S)

    def _restart_askers(self, moved: str) -> None:
        """Restart the services that call a service whose port has changed."""
        peer, _ = _split_replica(moved)
        for name in self._replicas:
            if peer in ASKING.get(_split_replica(name)[0], ()) and name in self._processes:
                self._processes[name].end()
                self.spawn(name)

    def _prepare_folder(self) -> None:
        _check_space(self._run_dir)
        if self._is_fresh:
            for part in (BROKER, STORE):
                shutil.rmtree(self._run_dir / part, ignore_errors=True)
        if self.logs.exists():
            before = self._run_dir / "logs-before"
            shutil.rmtree(before, ignore_errors=True)
            self.logs.rename(before)
        self.logs.mkdir()

    def build_failure(self, name: str, what: str) -> LaunchError:
        """Build the LaunchError of a process, with the last lines of its log."""
        return LaunchError(f"{name} {what}; its last lines:\n{read_tail(self.get_log(name))}")

    def _check_ports(self) -> None:
        for name, port in self._ports.items():
            if self._fixed_ports and is_taken(port):
                raise LaunchError(f"port {port}, asked for {name}, is taken: choose another base")

    def _end(self, names: Iterable[str]) -> None:
        processes = [self._processes[name] for name in names]
        for process in processes:
            process.ask_to_end()
        for process in processes:
            process.end()


def _split_replica(name: str) -> tuple[str, str]:
    """Split the name of a replica into its service and its rank."""
    service, _, rank = name.partition("-")
    return service, rank or "1"


def _create_scratch_dir() -> Path:
    parent = ROOT / ".run"
    parent.mkdir(exist_ok=True)
    return Path(tempfile.mkdtemp(prefix="platform-", dir=parent))


def _check_space(folder: Path) -> None:
    free_mb = shutil.disk_usage(folder).free // 1_000_000
    if free_mb < _FREE_MIN_MB:
        raise LaunchError(f"only {free_mb} MB free in {folder}, {_FREE_MIN_MB} are needed")
