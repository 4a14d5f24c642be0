"""Composition root."""

from datetime import timedelta

from fastapi import FastAPI

from services.support.adapters.limits import MongoLimits
from services.support.adapters.mongo import MongoTickets
from services.support.application.desks import Closing, Desks
from services.support.application.ports import NoSuggester, Ports
from services.support.application.tickets import Acting, Asking
from services.support.domain.hours import worked
from services.support.entrypoints.catalogue import create_catalogue_router
from services.support.entrypoints.desks import create_desks_router
from services.support.entrypoints.tickets import create_tickets_router
from services.support.entrypoints.unnamed import create_open_router
from services.support.settings import Settings, catalogue_at, targets_at
from shared.runtime.files import Files
from shared.runtime.ids import new_id
from shared.runtime.service import Runtime

_SWEEP_S = 3600
_CLOSE_S = 600
_BODY_LIMIT_MB = 55
"""As much as the attachments of a ticket, and what surrounds them."""
_OPEN_BODY_LIMIT_MB = 12
"""One attachment of the largest size: anybody may send it."""


def build() -> tuple[Runtime, FastAPI]:
    """Put the service together."""
    settings = Settings()
    runtime = Runtime("support", settings)
    store, clock = runtime.store, runtime.clock
    tickets, files = MongoTickets(store, clock), Files(store, clock)
    limits = MongoLimits(
        store, clock, per_email=settings.open_per_email, per_address=settings.open_per_address
    )
    ports = Ports(
        tickets=tickets,
        vault=files,
        catalogue=catalogue_at(settings.catalogue),
        suggester=NoSuggester(),
        clock=clock,
        new_id=new_id,
    )
    asking, acting = Asking(ports), Acting(ports)
    desks = Desks(ports, targets_at(settings.targets), worked)
    closing = Closing(ports, acting, timedelta(days=settings.close_after_days))

    async def sweep() -> None:
        await files.sweep(tickets.referred)

    async def close() -> None:
        await closing.close()

    for prepare in (tickets.prepare, limits.prepare, files.prepare):
        runtime.prepare(prepare)
    runtime.every(_SWEEP_S, "files", sweep)
    runtime.every(_CLOSE_S, "closing", close)
    return runtime, runtime.app(
        title="Aiguillage : assistance",
        description="Les questions, le bureau qui y répond, et leur suivi.",
        routers=[
            create_catalogue_router(ports.catalogue),
            create_tickets_router(tickets, files, asking, acting),
            create_open_router(tickets, files, asking, acting, limits),
            create_desks_router(tickets, files, desks, acting),
        ],
        max_body_mb=_BODY_LIMIT_MB,
        open_paths=("/categories", "/open/"),
        open_body_mb=_OPEN_BODY_LIMIT_MB,
    )
