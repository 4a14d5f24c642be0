"""Consumers of topics: deposited pieces, changed structures and mandates."""

from collections.abc import Callable, Sequence
from typing import Any

from services.routing.application.ports import Dossiers
from services.routing.application.router import DirectoryBehindError, Router
from services.routing.entrypoints.jobs import enqueue_rejudging
from shared.contracts.envelope import Event
from shared.runtime.errors import NotYetError
from shared.runtime.messaging.directory import keep_structures
from shared.runtime.messaging.inbox import Handler
from shared.runtime.messaging.mandates import keep_mandates
from shared.runtime.store.database import Transaction

BuildRouter = Callable[[Transaction], Router]
ReadDossiers = Callable[[Transaction], Dossiers]


def route_pieces(build_router: BuildRouter) -> Handler:
    """Build the handler that routes pieces.

    A piece that deposit judged by a newer version of a structure or of a mandate waits until
    routing has it.
    """

    async def handle(transaction: Transaction, events: Sequence[Event[Any]]) -> None:
        try:
            await build_router(transaction).take_pieces(events)
        except DirectoryBehindError as error:
            raise NotYetError(error.dossiers, str(error)) from error

    return handle


def project_mandates(read_dossiers: ReadDossiers) -> Handler:
    """Build the handler that projects mandates, and enqueues the dossiers held for want of one."""

    async def handle(transaction: Transaction, events: Sequence[Event[Any]]) -> None:
        newer = await keep_mandates(transaction, events)
        changed = {
            mandate.mandant: event.id
            for event in events
            if (mandate := event.data.to_domain()).id in newer
        }
        held = await read_dossiers(transaction).find_held_by(changed)
        await enqueue_rejudging(transaction, {each: changed[by] for each, by in held.items()})

    return handle


def project_structures(read_dossiers: ReadDossiers) -> Handler:
    """Build the handler that projects structures, and enqueues the dossiers they hold."""

    async def handle(transaction: Transaction, events: Sequence[Event[Any]]) -> None:
        newer = await keep_structures(transaction, events)
        changed = {event.data.structure: event.id for event in events}
        held = await read_dossiers(transaction).find_held_by(newer)
        await enqueue_rejudging(transaction, {each: changed[by] for each, by in held.items()})

    return handle
