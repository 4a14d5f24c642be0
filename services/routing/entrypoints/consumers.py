"""Consumers of topics: deposited pieces, changed structures."""

from collections.abc import Callable, Sequence
from typing import Any

from services.routing.application.router import DirectoryBehindError, Router
from shared.contracts.envelope import Event
from shared.runtime.errors import NotYetError
from shared.runtime.messaging.directory import keep_structures
from shared.runtime.messaging.inbox import Handler
from shared.runtime.store.database import Transaction

BuildRouter = Callable[[Transaction], Router]


def route_pieces(build_router: BuildRouter) -> Handler:
    """Build the handler that routes pieces.

    Pieces judged by newer versions of structures than routing has wait for them."""

    async def handle(transaction: Transaction, events: Sequence[Event[Any]]) -> None:
        try:
            await build_router(transaction).take_pieces(events)
        except DirectoryBehindError as error:
            raise NotYetError(error.dossiers, str(error)) from error

    return handle


def project_structures(build_router: BuildRouter) -> Handler:
    """Build the handler that projects structures and releases the dossiers held for them."""

    async def handle(transaction: Transaction, events: Sequence[Event[Any]]) -> None:
        newer = await keep_structures(transaction, events)
        changed = {event.data.structure: event.id for event in events}
        await build_router(transaction).release_held({name: changed[name] for name in newer})

    return handle
