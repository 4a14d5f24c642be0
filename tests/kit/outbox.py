"""Reader of a service's outbox, and a fake broker that publishes nothing."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from shared.runtime.store.database import Document, Store
from shared.runtime.store.outbox_documents import unpack_messages


async def read_outbox(store: Store, **matching: Any) -> list[Document]:  # noqa: ANN401 - a filter
    """Read the messages that are not yet published, in the order of their documents."""
    documents = await store.collection("outbox").find(matching).sort("_id", 1).to_list(None)
    return [message for document in documents for message in unpack_messages(document)]


def acknowledged(answer: object = None) -> Awaitable[object]:
    """Build the broker's answer, which is there at once; an exception is a refusal."""
    done: asyncio.Future[object] = asyncio.get_running_loop().create_future()
    if isinstance(answer, Exception):
        done.set_exception(answer)
    else:
        done.set_result(answer)
    return done


class FakeBroker:
    """Fake broker: records the messages and counts the requests; `answer` gives its answers."""

    def __init__(self, answer: Callable[[Document], object] = lambda _: None) -> None:
        """Use `answer` for the answer to each message: an exception is a refusal."""
        self._answer = answer
        self.messages: list[Document] = []
        self.renewals = 0
        self.abandons = 0

    async def publish(self, message: Document) -> Awaitable[object]:
        """Record a message; return the answer to it."""
        self.messages.append(message)
        return acknowledged(self._answer(message))

    async def renew_producer(self) -> None:
        """Count it."""
        self.renewals += 1

    async def abandon_producer(self) -> None:
        """Count it."""
        self.abandons += 1
