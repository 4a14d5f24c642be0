"""Lifecycle of a service: start, readiness, background tasks, graceful stop."""

import asyncio
import gc
import resource
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from importlib import import_module
from types import MappingProxyType

import uvloop
from fastapi import APIRouter, FastAPI
from pydantic import ValidationError

from shared.contracts.topics import HABILITATION, STRUCTURE, Topic
from shared.rights.model import Identity, KnownStructure
from shared.rights.needs import Need
from shared.rights.table import Route, load_rights
from shared.runtime.backoff import retry_forever, retry_transient
from shared.runtime.clock import build_clock
from shared.runtime.error_descriptions import describe_error
from shared.runtime.errors import CANNOT_CONNECT, StoreUriError, TransientError, is_transient
from shared.runtime.jobs.kinds import Finder, Work, build_periodic
from shared.runtime.jobs.worker import Jobs
from shared.runtime.logs import configure_logging, get_logger
from shared.runtime.messaging.broker import Broker, ConsumerGroup
from shared.runtime.messaging.directory import STRUCTURES, Directory, project_structures
from shared.runtime.messaging.handler import Handler
from shared.runtime.messaging.inbox import Inbox
from shared.runtime.messaging.outbox import Relay
from shared.runtime.messaging.principals import Principals, build_principals_config
from shared.runtime.messaging.projection import Projection, ProjectionConfig
from shared.runtime.messaging.rebuild import Rebuild, select_read_models
from shared.runtime.metrics import LEVELS
from shared.runtime.settings import RuntimeSettings, describe_faults, name_variable
from shared.runtime.store.caller_counts import CallerCountDocuments
from shared.runtime.store.database import Store
from shared.runtime.store.feed import Feed
from shared.runtime.store.files import Files, FindReferred
from shared.runtime.tokens.verifier import TokenVerifier, open_verifier
from shared.runtime.tracing.spans import tracing
from shared.runtime.web.access import AccessPorts
from shared.runtime.web.app import create_app
from shared.runtime.web.caller_limits import SHARE_S, CallerLimits, CallerRules
from shared.runtime.web.limits_route import ListLimits
from shared.runtime.web.server import Server, build_body_limits, build_server_config
from shared.vocabulary.levels import LEVEL

Task = Callable[[], Awaitable[None]]
FindStructure = Callable[[str], Awaitable[KnownStructure | None]]
_SWEEP_S = 1.0
"""Interval of the sweep of inboxes and projections, in seconds."""
_MEASURE_JOBS_S = 10.0
"""Interval of the gauges of jobs, in seconds."""
_MEASURE_FEEDS_S = 10.0
"""Interval of the gauge of a feed, in seconds."""
_SWEEP_FILES_S, _SWEEP_FILES_TIMEOUT_S = 3600, 600
"""Interval and timeout of the sweep of files, in seconds."""
_FILES = "files"
"""Kind of the periodic job that deletes files."""
_log = get_logger(__name__)


class Runtime:
    """Runtime of one service. The service's bootstrap adds consumers, tasks and routes to it."""

    def __init__(self, service: str, settings: RuntimeSettings) -> None:
        """Prepare store, broker and relay; they connect when the application starts."""
        self.service = service
        self.settings = settings
        self.clock = build_clock(settings.clock_offset_s)
        self.store = Store(
            settings.mongo,
            service,
            self.clock,
            settings.namespace,
            settings.instance,
            settings.write_level,
        )
        LEVELS.labels("judged").set(LEVEL)
        LEVELS.labels("written").set(settings.write_level)
        self._broker = Broker(service, settings)
        self.principals = Principals(self.store)
        self._find_structure: FindStructure = Directory(self.store).find_known
        self._verifier: TokenVerifier | None = None
        self._relay = Relay(self.store, self._broker)
        self._jobs = Jobs(self.store)
        self._processors: list[Inbox | Projection] = []
        self._projections: ConsumerGroup | None = None
        self._read_models: dict[Topic, ProjectionConfig] = {}
        self._preparations: list[Task] = []
        self._tasks: list[tuple[str, Task]] = []
        self._endings: list[Callable[[], None]] = []
        self._subscriptions: set[Topic] = set()
        self._running: list[asyncio.Task[None]] = []
        self._started = asyncio.Event()

    def consume(self, handlers: Mapping[Topic, Handler]) -> None:
        """Consume sequenced topics through inboxes: each event of a dossier once and in order."""
        inboxes = {
            topic: Inbox(self.store, topic, handler, self.clock)
            for topic, handler in handlers.items()
        }
        self._processors += inboxes.values()
        self._subscriptions.update(handlers)
        self._broker.subscribe("", inboxes)

    def project(self, handlers: Mapping[Topic, ProjectionConfig]) -> None:
        """Project compacted topics. The service is ready once they have been read to their end."""
        self._read_models |= handlers
        self._subscriptions.update(handlers)
        for config in handlers.values():
            if config.prepare is not None:
                self.prepare(config.prepare)

    async def rebuild(
        self, collections: Collection[str], tell: Callable[[str], None], *, remove_untold: bool
    ) -> bool:
        """Rebuild the read models with these collections, or all, while other processes serve.

        `remove_untold` removes the documents of which no record of their topic tells.
        Returns whether each is as its topic tells it. Raises NoReadModelError for another name.
        """
        chosen = select_read_models(self.service, self._read_models, collections)
        async with self.store:
            await self.store.ping()
            done = [
                await Rebuild(
                    self.store,
                    topic,
                    config,
                    self.clock,
                    self.settings,
                    tell,
                    remove_untold=remove_untold,
                ).run()
                for topic, config in chosen.items()
            ]
        return all(done)

    @property
    def subscriptions(self) -> frozenset[Topic]:
        """Topics that the service consumes."""
        return frozenset(self._subscriptions)

    @property
    def job_kinds(self) -> frozenset[str]:
        """Kinds of jobs that the service carries out, those of finders too."""
        return frozenset(worker.kind for worker in self._jobs.workers)

    def prepare(self, task: Task) -> None:
        """Run `task` before anything is consumed; most often it creates indexes."""
        self._preparations.append(task)

    def run_jobs(self, kind: str, work: Work, finder: Finder | None = None) -> None:
        """Carry out jobs of a kind, which the replicas share: one replica does each.

        `finder` finds those that nobody enqueues.
        """
        self._jobs.add(kind, work, finder)

    def sweep_files(self, files: Files, find_referenced: FindReferred) -> None:
        """Delete periodically, in one replica, the files to which the service does not refer."""
        work = build_periodic(
            lambda: files.sweep(find_referenced), _SWEEP_FILES_S, _SWEEP_FILES_TIMEOUT_S
        )
        self.run_jobs(_FILES, work)

    def number(self, feed: Feed) -> None:
        """Give marks to the documents of a feed, in every replica."""
        self.prepare(feed.prepare)
        self.run_in_background(f"feed.{feed.name}", feed.run)
        self.run_every(_MEASURE_FEEDS_S, f"feed.{feed.name}.measure", feed.measure)

    def run_every(self, seconds: float, name: str, task: Task) -> None:
        """Run `task` periodically in each replica, `seconds` apart: for its own gauges.

        A run that fails does not prevent the next.
        """

        async def loop() -> None:
            while True:
                try:
                    await retry_transient(name, task)
                except Exception:  # noqa: BLE001 - the next run may pass
                    _log.exception("task.failed", task=name)
                await asyncio.sleep(seconds)

        self._tasks.append((name, loop))

    def run_in_background(self, name: str, task: Task) -> None:
        """Run `task` from start to stop. The service is not ready when it has ended."""
        self._tasks.append((name, task))

    def call_before_stop(self, ending: Callable[[], None]) -> None:
        """Call `ending` when the service is told to stop, before it waits for open requests.

        An endless streaming response must end then.
        """
        self._endings.append(ending)

    def end_streams(self) -> None:
        """Call the functions registered by `call_before_stop`."""
        for ending in self._endings:
            ending()

    def build_app(
        self,
        *,
        title: str,
        description: str,
        routers: Sequence[APIRouter],
        uploads: Mapping[str, int] = MappingProxyType({}),
        limits: Sequence[ListLimits] = (),
        find_structure: FindStructure | None = None,
        rights: Mapping[Route, Need] | None = None,
    ) -> FastAPI:
        """Build the HTTP application of the service; its lifespan starts and stops the runtime.

        Args:
            title: as that of `create_app`, like `description`, `routers`, `uploads` and `limits`.
            find_structure: finds a structure of the directory; by default in its projection.
            rights: what each route needs; by default the rows of this service in the table.
        """
        if find_structure is not None:
            self._find_structure = find_structure
        self._project_rights()
        return create_app(
            self.service,
            title=title,
            description=description,
            routers=routers,
            readiness=self._find_missing,
            is_started=self._started.is_set,
            lifespan=self._lifespan,
            access=AccessPorts(
                verify=self._verify,
                find_principal=self.principals.find,
                find_structure=self._find_structure,
                clock=self.clock,
            ),
            rights=load_rights(self.service) if rights is None else rights,
            uploads=uploads,
            allowed_origins=self.settings.allowed_origins.split(),
            body_limits=build_body_limits(self.settings),
            requests_each=self.settings.connections_each,
            caller_limits=self._limit_callers(),
            limits=limits,
            proxies=self.settings.proxies.split(),
        )

    def _limit_callers(self) -> CallerLimits:
        """Build the limit of requests of one caller, which the replicas count together."""
        settings, counts = self.settings, CallerCountDocuments(self.store)
        rules = CallerRules(
            settings.caller_window_s,
            settings.caller_requests,
            settings.caller_requests_open,
            settings.proxies.split(),
        )
        limits = CallerLimits(rules, self.clock, counts)
        self.prepare(counts.prepare)
        self.run_every(SHARE_S, "caller limits", limits.share)
        return limits

    async def _verify(self, token: str) -> Identity:
        if self._verifier is None:
            raise TransientError("the service has not started")
        return await self._verifier.verify(token)

    def _project_rights(self) -> None:
        """Project what decides about a caller: principals and structures, unless it is done."""
        shared = {HABILITATION: build_principals_config(self.principals)}
        if STRUCTURE not in self._read_models and STRUCTURE.owner != self.service:
            shared[STRUCTURE] = ProjectionConfig(project_structures, STRUCTURES)
        self.project(shared)
        projections = {
            topic: Projection(self.store, topic, config, self.clock)
            for topic, config in self._read_models.items()
        }
        self._processors += projections.values()
        self._projections = self._broker.subscribe(".projections", projections)

    async def _find_missing(self) -> list[str]:
        missing = []
        if not self._started.is_set():
            missing.append("démarrage et lecture des annuaires en cours")
        if any(task.done() for task in self._running):
            missing.append("une tâche de fond est arrêtée")
        try:
            await self.store.ping()
        except Exception:  # noqa: BLE001 - whatever it is, the store does not answer
            missing.append("la base ne répond pas")
        if not await self._broker.is_connected():
            missing.append("le bus de messages ne répond pas")
        if still := self._broker.find_stalled_groups(self.settings.stall_timeout_s):
            missing.append("la lecture des messages n'avance plus (" + ", ".join(still) + ")")
        if unread := await self._broker.find_unread_topics():
            missing.append("aucun lecteur n'a les partitions de " + ", ".join(unread))
        if self._relay.stalled_s > self.settings.stall_timeout_s:
            missing.append("l'envoi des messages n'avance plus")
        return missing

    @asynccontextmanager
    async def _lifespan(self, _: FastAPI) -> AsyncIterator[None]:
        # Both are closed here, and not after the server: uvicorn ends the process once it has
        # stopped.
        settings = self.settings
        async with (
            _export_spans(self.service, settings),
            self.store,
            open_verifier(
                settings.issuers,
                self.clock,
                skew_s=settings.token_skew_s,
                stale_s=settings.keys_stale_s,
            ) as self._verifier,
        ):
            self._run("start", self._start)
            try:
                yield
            finally:
                await self._stop()

    def _run(self, name: str, task: Task) -> None:
        self._running.append(asyncio.create_task(_run_guarded(name, task), name=name))

    async def _start(self) -> None:
        """Start in the order of dependence; wait for a store or a broker that is away."""
        await retry_forever("orphans", self.store.abort_orphans)
        for prepare in (
            *(processor.prepare for processor in self._processors),
            *self._preparations,
            *(worker.prepare for worker in self._jobs.workers),
        ):
            await retry_forever("indexes", prepare)
        if self._jobs.workers:
            self.run_every(_MEASURE_JOBS_S, "jobs", self._jobs.measure)
        for name, task in self._tasks:
            self._run(name, task)
        for worker in self._jobs.workers:
            self._run(f"jobs.{worker.kind}", worker.run)
        await self._broker.start()
        self._run("relay", self._relay.run)
        self._run("sweep", self._sweep)
        if self._projections:
            await retry_forever("projections", self._projections.wait_until_caught_up)
        _freeze_heap()
        self._started.set()
        _log.info("service.started", service=self.service)
        await asyncio.Event().wait()

    async def _sweep(self) -> None:
        while True:
            for processor in self._processors:
                await retry_forever("sweep", processor.sweep)
            await asyncio.sleep(_SWEEP_S)

    async def _stop(self) -> None:
        for task in self._running:
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)
        await self._broker.stop()


def _freeze_heap() -> None:
    """Exclude the objects loaded at start from garbage collection.

    Parsing 255 KB of nested lists makes the collector visit every object: 290 ms with 1.5 million
    objects loaded, 9 ms when they are excluded.
    """
    gc.collect()
    gc.freeze()


async def _run_guarded(name: str, task: Task) -> None:
    try:
        await task()
    except Exception:
        _log.exception("task.ended", task=name)
        raise


def run(service: str, build: Callable[[], tuple[Runtime, FastAPI]]) -> None:
    """Run a service until it is told to stop. With bad settings it ends with one clear line."""
    # The usual soft limit of open files, 1024, is lower than our limit of connections.
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    with suppress(KeyboardInterrupt), asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_serve(service, build))


async def rebuild(
    service: str,
    build: Callable[[], tuple[Runtime, FastAPI]],
    collections: Collection[str],
    tell: Callable[[str], None],
    *,
    remove_untold: bool,
) -> bool:
    """Rebuild read models of a service; see `Runtime.rebuild`.

    Exits with CANNOT_CONNECT when settings are missing, or store or broker do not answer.
    """
    runtime, _ = _build(service, build, CANNOT_CONNECT)
    try:
        return await runtime.rebuild(collections, tell, remove_untold=remove_untold)
    except Exception as error:
        if not is_transient(error):
            raise
        said = describe_error(error)
        tell(f"{service}: NOT finished, run it again once store and broker answer. {said}")
        sys.exit(CANNOT_CONNECT)


def _build(
    service: str, build: Callable[[], tuple[Runtime, FastAPI]], status: int = 1
) -> tuple[Runtime, FastAPI]:
    """Build the service inside the event loop, which the store's driver keeps.

    Exits with `status` and one line when its settings cannot be used.
    """
    try:
        runtime, app = build()
    except (ValidationError, StoreUriError) as error:
        faults = (
            describe_faults(error)
            if isinstance(error, ValidationError)
            else [f"{name_variable('mongo')}: {error}"]
        )
        sys.stderr.write(f"{service}: {'; '.join(faults)}\n")
        sys.exit(status)
    configure_logging(service, runtime.settings.log_level)
    return runtime, app


async def _serve(service: str, build: Callable[[], tuple[Runtime, FastAPI]]) -> None:
    runtime, app = _build(service, build)
    server = Server(build_server_config(app, runtime.settings), runtime.end_streams)
    await server.serve()
    if not server.started:
        sys.exit(1)


@asynccontextmanager
async def _export_spans(service: str, settings: RuntimeSettings) -> AsyncIterator[None]:
    """Export spans until the block is left, when an endpoint is set."""
    if not settings.otlp_endpoint:
        yield
        return
    # Imported only when spans are exported: the import takes a third of a second.
    exporter = import_module("shared.runtime.tracing.exporter").OtlpExporter(
        service, settings.instance, settings.otlp_endpoint
    )
    tracing.start(exporter)
    try:
        yield
    finally:
        tracing.start(None)
        await exporter.stop()
