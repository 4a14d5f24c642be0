"""Composition root."""

import time
from collections import Counter
from collections.abc import Sequence
from datetime import timedelta
from functools import partial
from pathlib import Path

from fastapi import FastAPI

from services.support.agent.adapters.knowledge_base import (
    build_search,
    load_article_search,
    load_articles,
)
from services.support.agent.adapters.mongo import MongoConversations
from services.support.agent.adapters.portal import PortalTracking
from services.support.agent.application.ports import AgentPorts
from services.support.agent.application.virtual_agent import VirtualAgent
from services.support.agent.entrypoints.http import create_agent_router, create_articles_router
from services.support.agent.entrypoints.terminal import format_answer
from services.support.chat.adapters.mongo import MongoChats
from services.support.chat.application.feed import ChatFeed
from services.support.chat.application.live_chat import LiveChat
from services.support.chat.application.ports import ChatPorts
from services.support.chat.domain.chat import ChatLimits
from services.support.chat.entrypoints.first_frame_limit import FirstFrameLimit
from services.support.chat.entrypoints.http import (
    SocketLimits,
    create_chat_desk_router,
    create_chat_router,
)
from services.support.chat.entrypoints.socket import Lounge
from services.support.chat.entrypoints.timers import build_time_limits_task
from services.support.desks.adapters.rate_limits import HourlyRates
from services.support.desks.application.rate_limits import AnonymousLimits
from services.support.desks.domain.catalogue import Catalogue
from services.support.desks.entrypoints.authentication import (
    authenticate_agent_request,
    authenticate_visitor_request,
)
from services.support.desks.entrypoints.catalogue import create_catalogue_router
from services.support.settings import DATA, Settings, load_catalogue, load_targets
from services.support.suggestions.adapters.cross_validation import cross_validate
from services.support.suggestions.adapters.examples import read_examples
from services.support.suggestions.adapters.model import select_examples, train_model
from services.support.suggestions.adapters.model_file import ModelFileError, read_model, write_model
from services.support.suggestions.adapters.model_suggester import ModelSuggester
from services.support.suggestions.entrypoints.http import create_suggestions_router
from services.support.suggestions.entrypoints.training_report import (
    TrainingReport,
    describe_training,
)
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
from shared.runtime.messaging.directory import Directory, project_structures
from shared.runtime.messaging.isolation import attempt_each
from shared.runtime.messaging.projection import ProjectionConfig
from shared.runtime.notifier import Notifier
from shared.runtime.service import Runtime
from shared.runtime.store.files import Files
from shared.runtime.web.connection_limit import ConnectionLimit

_OPEN_PATHS = ("/categories", "/suggestions", "/open/", "/agent/", "/articles", "/chats")
_SWEEP_S = 3600
_CLOSE_S = 600
_CHAT_S = 2
_FIRST_FRAME_S = 10.0
"""First-frame timeout of a chat socket, in seconds."""
_HEARTBEAT_S = 15.0
"""Well under what makes somebody absent from a queue."""
_BODY_LIMIT_MB = 55
"""As much as the attachments of a ticket, and what surrounds them."""
_SENT_PER_TICKET = 10
"""How often a ticket without an account may be sent with its key, taking one with another."""
_OPEN_BODY_LIMIT_MB = 12
"""One attachment of the largest size: anybody may send it."""


def build() -> tuple[Runtime, FastAPI]:
    """Put the service together."""
    settings = Settings()
    runtime = Runtime("support", settings)
    store, clock = runtime.store, runtime.clock
    tickets, files = MongoTickets(store), Files(store, clock)
    rates = HourlyRates(store, clock)

    def limits_of(what: str) -> AnonymousLimits:
        return AnonymousLimits(
            by_address=rates.of(f"{what}, adresse réseau", settings.open_per_address),
            by_email=rates.of(f"{what}, adresse électronique", settings.open_per_email),
        )

    directory = Directory(store)
    catalogue = load_catalogue(settings.catalogue)
    learner = _load_suggester(settings.model, catalogue)
    ports = TicketPorts(
        tickets=tickets,
        vault=files,
        catalogue=catalogue,
        structures=directory,
        suggester=learner,
        clock=clock,
        new_id=new_id,
    )
    keyed = rates.of("ticket avec une clé", _SENT_PER_TICKET * settings.open_per_address)
    acting, submitting = Actions(ports), Submissions(ports, limits_of("ticket"), keyed)
    desks = DeskQueues(ports, load_targets(settings.targets), settings.hours.measure_open_time)
    closing = AutomaticClosing(
        ports,
        acting,
        timedelta(days=settings.close_after_days),
        partial(attempt_each, "ticket.closing"),
    )
    follow_ups = rates.of("suite", settings.open_messages_per_ticket)

    conversations = MongoConversations(store, timedelta(days=settings.agent_kept_days))
    articles = load_articles(ports.catalogue.by_code)
    agent = VirtualAgent(
        AgentPorts(
            conversations=conversations,
            articles=articles,
            sub_categories=ports.catalogue.by_code,
            finder=build_search(articles),
            tracking=PortalTracking(settings.portal_url),
            suggester=ports.suggester,
            messages=rates.of("message", settings.agent_messages_per_address),
            links=limits_of("lien"),
            hours=settings.hours,
            clock=clock,
            new_id=new_id,
        )
    )

    notifier = Notifier()
    chats = MongoChats(store, timedelta(days=settings.chat_kept_days))
    chat_ports = ChatPorts(
        chats=chats,
        notifier=notifier,
        catalogue=catalogue,
        structures=directory,
        starts=rates.of("tchat", settings.chat_begun_per_address),
        clock=clock,
        new_id=new_id,
        heartbeat_s=_HEARTBEAT_S,
    )
    bounds = ChatLimits(
        hours=settings.hours,
        waiting=settings.chat_waiting,
        waiting_open=settings.chat_waiting_open,
        open_each=settings.chat_open_each,
        silence=timedelta(seconds=settings.chat_silence_s),
        absence=timedelta(seconds=settings.chat_absence_s),
    )
    lounge = Lounge(LiveChat(chat_ports, bounds), ChatFeed(chat_ports))
    desk_limit = ConnectionLimit(settings.chat_sockets_desk, settings.chat_sockets_each)
    known, strangers = (
        SocketLimits(
            ConnectionLimit(in_all, settings.chat_sockets_each),
            FirstFrameLimit(settings.chat_sockets_silent, _FIRST_FRAME_S),
        )
        for in_all in (settings.chat_sockets, settings.chat_sockets_open)
    )

    async def sweep() -> None:
        await files.sweep(tickets.find_referenced)

    async def close() -> None:
        await closing.close()

    runtime.project({STRUCTURE: ProjectionConfig(project_structures, "structures")})
    for each in (tickets, rates, files, conversations, learner, chats):
        runtime.prepare(each.prepare)
    runtime.run_every(_SWEEP_S, "files", sweep)
    runtime.run_every(_CLOSE_S, "closing", close)
    runtime.run_every(_CHAT_S, "chats", build_time_limits_task(lounge.room, clock))
    runtime.run_in_background("notifier", lambda: chats.watch(notifier))
    runtime.call_before_stop(notifier.close)
    return runtime, runtime.build_app(
        title="Aiguillage : assistance",
        description="Les questions, le bureau qui y répond, et leur suivi.",
        routers=[
            create_catalogue_router(ports.catalogue),
            create_suggestions_router(
                learner, catalogue, rates.of("suggestion", settings.suggestions_each)
            ),
            create_tickets_router(tickets, files, Drafts(ports), submitting, acting),
            create_open_tickets_router(tickets, files, submitting, acting, follow_ups),
            create_desk_tickets_router(tickets, files, desks, acting),
            create_agent_router(agent, conversations),
            create_articles_router(articles),
            create_chat_router(lounge, known, strangers),
            create_chat_desk_router(lounge, desk_limit),
        ],
        open_paths=_OPEN_PATHS,
        authenticators={
            "/desk/": authenticate_agent_request,
            **dict.fromkeys(_OPEN_PATHS, authenticate_visitor_request),
        },
        uploads={
            "/tickets": _BODY_LIMIT_MB,
            "/desk/tickets": _BODY_LIMIT_MB,
            "/open/tickets": _OPEN_BODY_LIMIT_MB,
        },
    )


def _load_suggester(model: Path | None, catalogue: Catalogue) -> ModelSuggester:
    """Take the model of a file, or what will train at start. A file that is no such ends it all."""
    try:
        loaded = read_model(model, catalogue.desks) if model else None
    except ModelFileError as error:
        raise SystemExit(f"support: model: {error}") from error
    return ModelSuggester(DATA / "exemples", catalogue.desks, loaded)


def train_to_file(file: Path, examples: Sequence[Path], catalogue: Path) -> str:
    """Train the model for a catalogue, write it to a file, say what was learnt.

    Raises ExamplesError, CatalogueError, OSError.
    """
    desks = load_catalogue(catalogue).desks
    read = [each for path in examples for each in read_examples(path)]
    known = select_examples(desks, read)
    began = time.perf_counter()
    model = train_model(known, desks)
    seconds = time.perf_counter() - began
    write_model(file, model)
    counts = Counter(each.sub_category for each in known)
    return describe_training(
        TrainingReport(
            examples=counts,
            untaught=desks.keys() - counts.keys(),
            skipped=len(read) - len(known),
            seconds=seconds,
            shares=cross_validate(known, desks),
            file=file,
            size_bytes=file.stat().st_size,
        )
    )


def answer_question(question: str) -> str:
    """Answer a question at a terminal, without broker or store."""
    return format_answer(question, load_article_search())
