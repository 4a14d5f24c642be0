"""Platform on one machine: starts, stops, kills and restarts its processes by name.

Replicas of a service are `routing`, `routing-2`, `routing-3`. Each may run from a source tree of
its own, so that two versions of a service run side by side.
"""

import json
import shutil
import tempfile
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

from cryptography.fernet import Fernet

from deploy.errors import LaunchError
from deploy.local import programs
from deploy.local.backends import Backend
from deploy.local.folder_lock import FolderLock
from deploy.local.issuer.keys import keep_key
from deploy.local.issuer.tokens import AUDIENCE
from deploy.local.ports import HOST, find_free_port, is_taken
from deploy.local.private_files import keep_text
from deploy.local.processes import Running, read_tail
from deploy.local.programs import ROOT, Startable
from deploy.local.watchdog import Watchdog
from deploy.topics import provision
from shared.contracts.public_paths import build_public_prefix
from shared.contracts.topics import TOPICS, Topic
from shared.runtime.settings import RuntimeSettings, name_variable

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

BROKER, STORE, GATEWAY, ISSUER, MAIL = "broker", "store", "gateway", "issuer", "mail"
ORGANISATION = "organisation"
"""Service that issues the tokens of machines."""
NOTIFICATION = "notification"
MAILING = frozenset({ORGANISATION, NOTIFICATION})
"""Services that send mails: settings hold the mail server, and the origin of links."""
_READY_LIMIT_S = 180.0
_POLL_S = 0.05
_PORT_ATTEMPTS = 5
_FREE_MIN_MB = 500
_DAY_S = 24 * 3600
_LIMITS = ("caller_requests", "caller_requests_open")
_MANY = "1000000"
"""Limit of requests of a caller, unless the platform is told another."""


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
    issuer: str = ""
    """Base URL of the development issuer, as its tokens name it (`iss`)."""
    issuer_key: Path = Path()
    """File of the issuer's private key: tests sign tokens of their own with it."""
    mails: Path = Path()
    """Maildir of the mail sink: its folder `new` has a file for each mail that was sent."""

    @property
    def services(self) -> Mapping[str, str]:
        """Base URL of the public routes of each service, without the gateway."""
        return {name: root + build_public_prefix(name) for name, root in self.roots.items()}


def list_default_limits() -> Mapping[str, str]:
    """List the environment variables by which services limit their callers as by default.

    For platforms that people try; others have limits that nobody reaches.
    """
    fields = RuntimeSettings.model_fields
    return {name_variable(each): str(fields[each].default) for each in _LIMITS}


class Platform:
    """Broker, store, services and a development issuer on this machine.

    Leaving the `with` block ends them all.
    """

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
            base_port: first port; gateway, services, broker, store, issuer and mail sink take
                theirs in this order. Default: any free ports.
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
            parts = (BROKER, STORE, ISSUER, MAIL)
            names = [*([GATEWAY] if gateway else []), *self._replicas, *parts]
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
            self._programs[ISSUER] = programs.build_issuer(self._run_dir / ISSUER)
            self._bring_up(STORE, BROKER, ISSUER, *self._prepare_services())
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

        With `names`, restart only those: the other clocks change at their next start. Tokens that
        were issued before have expired.
        """
        self._clock_offset_s += days * _DAY_S
        # The issuer goes with them: its tokens would have expired.
        moved = (ISSUER, *(names or self._replicas))
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
    def clock_offset_s(self) -> int:
        """Seconds by which the services' clocks are ahead, from their next start on."""
        return self._clock_offset_s

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
            issuer=f"http://{HOST}:{self._ports[ISSUER]}",
            issuer_key=programs.get_issuer_key(self._run_dir / ISSUER),
            mails=programs.get_mailbox(self._run_dir / MAIL),
        )

    def _build_service_env(self) -> Mapping[str, str]:
        real_kafka = str(self.backend.has_real_kafka).lower()
        return {
            "AIGUILLAGE_KAFKA": self.addresses.kafka,
            "AIGUILLAGE_MONGO": self.addresses.mongo,
            "AIGUILLAGE_IDEMPOTENT_PRODUCER": real_kafka,
            "AIGUILLAGE_END_OFFSETS_RELIABLE": real_kafka,
            # Tests and benches make in seconds the requests of a day, as a few callers.
            **dict.fromkeys(map(name_variable, _LIMITS), _MANY),
            # The gateway names its client by X-Forwarded-For.
            **({"AIGUILLAGE_PROXIES": HOST} if self._has_gateway else {}),
            **self._env,
        }

    def _prepare_services(self) -> tuple[str, ...]:
        """Choose the ports that services are told of; return the processes to start before them."""
        if ORGANISATION in self._services:
            self._ports.setdefault(ORGANISATION, find_free_port())
        if MAILING.isdisjoint(self._services):
            return ()
        if self._has_gateway:
            self._ports.setdefault(GATEWAY, find_free_port())
        self._programs[MAIL] = programs.build_mail_sink(self._run_dir / MAIL)
        return (MAIL,)

    @property
    def issuers(self) -> str:
        """Issuers that services trust, as `AIGUILLAGE_ISSUERS` names them."""
        return self._env.get("AIGUILLAGE_ISSUERS", json.dumps(self._build_issuers()))

    def _build_issuers(self) -> list[dict[str, object]]:
        """Build the issuers that services trust: of people, and organisation for machines."""
        people: dict[str, object] = {"url": self.addresses.issuer, "audience": AUDIENCE}
        people |= {"algorithms": ["ES256"], "operators": True, "proves_siret": True}
        if ORGANISATION not in self._services:
            return [people]
        url = self.addresses.services[ORGANISATION]
        machines = {"url": url, "audience": AUDIENCE, "machines": True, "jwks_url": f"{url}/jwks"}
        return [people, machines]

    def _build_organisation_env(self) -> Mapping[str, str]:
        """Build the settings of organisation as an issuer."""
        key = keep_key(self._run_dir / ORGANISATION / "signing-key.json")
        url = self.addresses.services[ORGANISATION]
        return {
            "AIGUILLAGE_ISSUER_URL": url,
            "AIGUILLAGE_SIGNING_KEYS": json.dumps([key.as_dict(private=True)]),
        }

    def _build_mail_env(self, service: str) -> Mapping[str, str]:
        """Build the settings of the mails that a service sends."""
        return {
            "AIGUILLAGE_SMTP_HOST": HOST,
            "AIGUILLAGE_SMTP_PORT": str(self._ports[MAIL]),
            "AIGUILLAGE_SMTP_STARTTLS": "false",
            "AIGUILLAGE_MAIL_FROM": "aiguillage@example.org",
            "AIGUILLAGE_PUBLIC_ORIGIN": self.addresses.origin or self.addresses.roots[service],
        }

    def _build_notification_env(self) -> Mapping[str, str]:
        """Build the settings of webhooks: the key of their secrets; receivers on this machine."""
        file = self._run_dir / NOTIFICATION / "push-key"
        return {
            "AIGUILLAGE_PUSH_KEYS": keep_text(file, lambda: Fernet.generate_key().decode()),
            "AIGUILLAGE_PUSH_LOOPBACK": "true",
        }

    def _build_changing_env(self, name: str) -> Mapping[str, str]:
        """Build the environment variables that may change between two starts of a process."""
        offset = {"AIGUILLAGE_CLOCK_OFFSET_S": str(self._clock_offset_s)}
        if name not in self._replicas:
            return offset if name == ISSUER else {}
        service, rank = _split_replica(name)
        ports = {
            peer: self._ports.get(f"{peer}-{rank}", self._ports[peer])
            for peer in ASKING.get(service, ())
            if peer in self._ports
        }
        peers = {
            f"AIGUILLAGE_{peer.upper()}_URL": f"http://{HOST}:{port}"
            for peer, port in ports.items()
        }
        access = {"AIGUILLAGE_ISSUERS": self.issuers}
        if service == ORGANISATION:
            access |= self._build_organisation_env()
        if service == NOTIFICATION:
            access |= self._build_notification_env()
        if service in MAILING:
            access |= self._build_mail_env(service)
        chosen = {key: value for key, value in access.items() if key not in self._env}
        return offset | peers | chosen

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
        """Restart the services that are told a port which has changed."""
        peer, _ = _split_replica(moved)
        for name in self._replicas:
            service, _ = _split_replica(name)
            is_told = (
                peer in ASKING.get(service, ())
                or (moved == GATEWAY and service in MAILING)
                or (moved == ORGANISATION and name != moved)
            )
            if is_told and name in self._processes:
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
