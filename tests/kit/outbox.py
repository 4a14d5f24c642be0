"""The outbox of a service, and a broker's link that publishes nowhere."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from shared.runtime.store.database import Document, Store
from shared.runtime.store.outbox_documents import unpack_messages


async def read_outbox(store: Store, **matching: Any) -> list[Document]:  # noqa: ANN401 - a filter
    """Read the messages that are not published, in the order of their documents."""
    documents = await store.collection("outbox").find(matching).sort("_id", 1).to_list(None)
    return [message for document in documents for message in unpack_messages(document)]


def acknowledged(answer: object = None) -> Awaitable[object]:
    """Give what the broker answers, at once: an exception is a refusal."""
    done: asyncio.Future[object] = asyncio.get_running_loop().create_future()
    if isinstance(answer, Exception):
        done.set_exception(answer)
    else:
        done.set_result(answer)
    return done


class FakeBroker:
    """Says what it was asked, and answers as it is told to."""

    def __init__(self, answer: Callable[[Document], object] = lambda _: None) -> None:
        """Take what answers a message: an exception is a refusal."""
        self._answer = answer
        self.messages: list[Document] = []
        self.renewals = 0
        self.abandons = 0

    async def publish(self, message: Document) -> Awaitable[object]:
        """Take a message."""
        self.messages.append(message)
        return acknowledged(self._answer(message))

    async def renew_producer(self) -> None:
        """Count it."""
        self.renewals += 1

    async def abandon_producer(self) -> None:
        """Count it."""
        self.abandons += 1
