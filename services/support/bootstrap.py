"""Composition root of support: one function builds each feature."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from fastapi import APIRouter, FastAPI

from services.support.access.adapters.rate_limits import HourlyRates
from services.support.access.application.rate_limits import AnonymousLimits
from services.support.agent.adapters.knowledge_base import (
    build_search,
    load_articles,
)
from services.support.agent.adapters.mongo import MongoConversations
from services.support.agent.adapters.portal import PortalTracking
from services.support.agent.application.ports import AgentPorts
from services.support.agent.application.virtual_agent import VirtualAgent
from services.support.agent.entrypoints.http import create_agent_router, create_articles_router
from services.support.chat.adapters.mongo import MongoChats
from services.support.chat.application.feed import ChatFeed
from services.support.chat.application.live_chat import LiveChat
from services.support.chat.application.ports import ChatPorts
from services.support.chat.domain.chat import ChatLimits
from services.support.chat.entrypoints.first_frame_limit import FirstFrameLimit
from services.support.chat.entrypoints.gauges import build_queue_gauges_task
from services.support.chat.entrypoints.http import (
    SocketLimits,
    create_chat_desk_router,
    create_chat_router,
)
from services.support.desks.domain.catalogue import Catalogue
from services.support.desks.entrypoints.catalogue import create_catalogue_router
from services.support.settings import DATA, Settings, load_catalogue, load_targets
from services.support.suggestions.adapters.model_file import ModelFileError, read_model
from services.support.suggestions.adapters.model_suggester import ModelSuggester
from services.support.suggestions.entrypoints.http import create_suggestions_router
from services.support.tickets.adapters.mongo import MongoTickets
from services.support.tickets.application.actions import Actions
from services.support.tickets.application.closing import AutomaticClosing
from services.support.tickets.application.desk_queues import DeskQueues
from services.support.tickets.application.drafts import Drafts
from services.support.tickets.application.ports import TicketPorts
from services.support.tickets.application.submissions import Submissions
from services.support.tickets.entrypoints.desk_tickets import create_desk_tickets_router
from services.support.tickets.entrypoints.open_tickets import create_open_tickets_router
from services.support.tickets.entrypoints.tickets import create_tickets_router
from shared.contracts.topics import STRUCTURE
from shared.runtime.ids import new_id
from shared.runtime.jobs.kinds import Effect, Finder
from shared.runtime.messaging.directory import Directory, project_structures
from shared.runtime.messaging.projection import ProjectionConfig
from shared.runtime.notifier import Notifier
from shared.runtime.service import Runtime
from shared.runtime.store.files import Files
from shared.runtime.web.connection_limit import ConnectionLimit

_CLOSING, _CHAT_LIMITS = "closing", "chat-limits"
"""Kinds of jobs. The key of a job is the id of its ticket or chat."""
_CLOSE_S = 600
_TIME_LIMITS_S = 2
_QUEUES_S = 5
"""Intervals of the searches for tickets to close and chats to end, and of the gauges."""
_FIRST_FRAME_S = 10.0
"""First-frame timeout of a chat socket, in seconds."""
_HEARTBEAT_S = 15.0
"""Heartbeat interval of a chat, in seconds: well under the timeout of an absent visitor."""
_BODY_LIMIT_MB = 55
"""Size limit of a form with files: the attachments of a ticket, and the form around them."""
_SENT_PER_TICKET = 10
"""Factor of the rate limit of requests with an idempotency key: this many times the limit of
tickets of a network address, as repeated requests count too."""
_OPEN_BODY_LIMIT_MB = 12
"""Size limit of a form without an account: one attachment of the largest size."""


@dataclass(frozen=True, slots=True)
class _Base:
    """Dependencies of every feature."""

    settings: Settings
    runtime: Runtime
    catalogue: Catalogue
    structures: Directory
    rates: HourlyRates

    def limit_anonymous(self, what: str) -> AnonymousLimits:
        """Build the rate limits of a request that needs no account."""
        settings, rates = self.settings, self.rates
        return AnonymousLimits(
            by_address=rates.build_limit(f"{what}, adresse réseau", settings.open_per_address),
            by_email=rates.build_limit(f"{what}, adresse électronique", settings.open_per_email),
        )


def build() -> tuple[Runtime, FastAPI]:
    """Build the service, feature by feature."""
    base = _build_base()
    suggester = _load_suggester(base)
    return base.runtime, base.runtime.build_app(
        title="Aiguillage : assistance",
        description="Les questions, le bureau qui y répond, et leur suivi.",
        routers=[
            create_catalogue_router(base.catalogue),
            *_build_suggestions(base, suggester),
            *_build_tickets(base, suggester),
            *_build_agent(base, suggester),
            *_build_chat(base),
        ],
        uploads={
            "/tickets": _BODY_LIMIT_MB,
            "/desk/tickets": _BODY_LIMIT_MB,
            "/open/tickets": _OPEN_BODY_LIMIT_MB,
        },
    )


def _build_base() -> _Base:
    settings = Settings()
    runtime = Runtime("support", settings)
    rates = HourlyRates(runtime.store, runtime.clock)
    runtime.project({STRUCTURE: ProjectionConfig(project_structures, "structures")})
    runtime.prepare(rates.prepare)
    catalogue = load_catalogue(settings.catalogue)
    return _Base(settings, runtime, catalogue, Directory(runtime.store), rates)


def _build_suggestions(base: _Base, suggester: ModelSuggester) -> Sequence[APIRouter]:
    base.runtime.prepare(suggester.prepare)
    limit = base.rates.build_limit("suggestion", base.settings.suggestions_each)
    return [create_suggestions_router(suggester, base.catalogue, limit)]


def _load_suggester(base: _Base) -> ModelSuggester:
    """Load the model from its file, or train one at start. An unusable file ends the program."""
    file, desks = base.settings.model, base.catalogue.desks
    try:
        loaded = read_model(file, desks) if file else None
    except ModelFileError as error:
        raise SystemExit(f"support: model: {error}") from error
    return ModelSuggester(DATA / "exemples", desks, loaded)


def _build_tickets(base: _Base, suggester: ModelSuggester) -> Sequence[APIRouter]:
    settings, runtime, rates = base.settings, base.runtime, base.rates
    tickets, files = MongoTickets(runtime.store), Files(runtime.store, runtime.clock)
    ports = TicketPorts(
        tickets=tickets,
        vault=files,
        catalogue=base.catalogue,
        structures=base.structures,
        suggester=suggester,
        clock=runtime.clock,
        new_id=new_id,
    )
    keyed_limit = rates.build_limit(
        "ticket avec une clé", _SENT_PER_TICKET * settings.open_per_address
    )
    submissions = Submissions(ports, base.limit_anonymous("ticket"), keyed_limit)
    actions = Actions(ports)
    desks = DeskQueues(ports, load_targets(settings.targets), settings.hours.measure_open_time)
    closing = AutomaticClosing(ports, actions, timedelta(days=settings.close_after_days))
    runtime.prepare(tickets.prepare)
    runtime.prepare(files.prepare)
    runtime.sweep_files(files, tickets.find_referenced_files)
    # Closing has a transaction of its own, which judges the ticket: done again, it does nothing.
    runtime.run_jobs(
        _CLOSING, Effect(lambda job: closing.close(job.key)), Finder(closing.list_due, _CLOSE_S)
    )
    follow_ups = rates.build_limit("suite", settings.open_messages_per_ticket)
    return [
        create_tickets_router(tickets, files, base.catalogue, Drafts(ports), submissions, actions),
        create_open_tickets_router(tickets, files, submissions, actions, follow_ups),
        create_desk_tickets_router(tickets, files, base.catalogue, desks, actions),
    ]


def _build_agent(base: _Base, suggester: ModelSuggester) -> Sequence[APIRouter]:
    settings, runtime = base.settings, base.runtime
    conversations = MongoConversations(runtime.store, timedelta(days=settings.agent_kept_days))
    articles = load_articles(base.catalogue.by_code)
    agent = VirtualAgent(
        AgentPorts(
            conversations=conversations,
            articles=articles,
            sub_categories=base.catalogue.by_code,
            finder=build_search(articles),
            tracking=PortalTracking(settings.portal_url),
            suggester=suggester,
            messages=base.rates.build_limit("message", settings.agent_messages_per_address),
            links=base.limit_anonymous("lien"),
            hours=settings.hours,
            clock=runtime.clock,
            new_id=new_id,
        )
    )
    runtime.prepare(conversations.prepare)
    return [create_agent_router(agent, conversations), create_articles_router(articles)]


def _build_chat(base: _Base) -> Sequence[APIRouter]:
    settings, runtime = base.settings, base.runtime
    notifier = Notifier()
    chats = MongoChats(runtime.store, timedelta(days=settings.chat_kept_days))
    ports = ChatPorts(
        chats=chats,
        notifier=notifier,
        catalogue=base.catalogue,
        structures=base.structures,
        starts=base.rates.build_limit("tchat", settings.chat_starts_per_address),
        clock=runtime.clock,
        new_id=new_id,
        heartbeat_s=_HEARTBEAT_S,
    )
    live_chat, feed = LiveChat(ports, _read_chat_limits(settings)), ChatFeed(ports)
    runtime.prepare(chats.prepare)
    # A time limit too is applied in a transaction of its own, which judges the chat.
    runtime.run_jobs(
        _CHAT_LIMITS,
        Effect(lambda job: live_chat.apply_time_limits(job.key)),
        Finder(live_chat.list_reached, _TIME_LIMITS_S),
    )
    runtime.run_every(_QUEUES_S, "queues", build_queue_gauges_task(chats, runtime.clock))
    runtime.run_in_background("notifier", lambda: chats.watch(notifier))
    runtime.call_before_stop(notifier.close)
    known, strangers = (
        SocketLimits(
            ConnectionLimit(in_all, settings.chat_sockets_each),
            FirstFrameLimit(settings.chat_sockets_before_first_frame, _FIRST_FRAME_S),
        )
        for in_all in (settings.chat_sockets, settings.chat_sockets_open)
    )
    desk_limit = ConnectionLimit(settings.chat_sockets_desk, settings.chat_sockets_each)
    return [
        create_chat_router(live_chat, feed, known, strangers),
        create_chat_desk_router(live_chat, feed, desk_limit),
    ]


def _read_chat_limits(settings: Settings) -> ChatLimits:
    return ChatLimits(
        hours=settings.hours,
        waiting=settings.chat_waiting,
        waiting_open=settings.chat_waiting_open,
        open_each=settings.chat_open_each,
        silence=timedelta(seconds=settings.chat_silence_s),
        absence=timedelta(seconds=settings.chat_absence_s),
    )
