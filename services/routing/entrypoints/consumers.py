"""Topics that routing takes: pieces as deposited, structures as they change."""

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
    """Route pieces. Those judged by a directory ahead of ours wait until it is here."""

    async def handle(transaction: Transaction, events: Sequence[Event[Any]]) -> None:
        try:
            await build_router(transaction).take_pieces(events)
        except DirectoryBehindError as error:
            raise NotYetError(error.dossiers, str(error)) from error

    return handle


def project_structures(build_router: BuildRouter) -> Handler:
    """Project structures, and release the dossiers that waited for them."""

    async def handle(transaction: Transaction, events: Sequence[Event[Any]]) -> None:
        newer = await keep_structures(transaction, events)
        changed = {event.data.structure: event.id for event in events}
        await build_router(transaction).release_held({name: changed[name] for name in newer})

    return handle
