"""Live feed of a chat for its two parties, and of a queue for its desk."""

import asyncio
from collections.abc import AsyncGenerator, Sequence

from services.support.chat.application.ports import ChatPorts, QueuePosition
from services.support.chat.domain.chat import Chat, Line, LineKind, Queue


class ChatFeed:
    """Live feed: yields the stored lines, then each new one, from any replica."""

    def __init__(self, ports: ChatPorts) -> None:
        """Use these ports."""
        self._ports = ports

    @property
    def is_closing(self) -> bool:
        """Whether the service stops; chats go on after that."""
        return self._ports.notifier.is_closed

    async def follow_queue(self, queue: Queue) -> AsyncGenerator[Sequence[Chat], None]:
        """Yield the open chats of a desk, again at each change."""
        ports = self._ports
        sent = None
        with ports.notifier.subscribe(queue.name) as news:
            while not self.is_closing:
                # The event is cleared before the read: a change in between sets it again.
                news.clear()
                chats = await ports.chats.list_queue(queue)
                seen = [(chat.id, chat.state, chat.agent) for chat in chats]
                if seen != sent:
                    sent = seen
                    yield chats
                await self._wait(news)

    async def follow_chat(
        self, chat_id: str, after: int, desk: Queue | None = None
    ) -> AsyncGenerator[Line | QueuePosition, None]:
        """Yield the lines after a rank: those that are stored, then each one as it comes.

        Yields the position in the queue when it changes, while the chat waits. Ends when the chat
        has ended, when the service stops, and for a `desk` when another desk has the chat. `desk`
        is None for the visitor.
        """
        chats, notifier = self._ports.chats, self._ports.notifier
        queue, sent = None, 0
        while True:
            # The subscription precedes the read, so that no line is missed. Its queue is the one
            # that was read last.
            with notifier.subscribe(chat_id, queue.name if queue else chat_id) as news:
                # The chat is read before its lines: its last line is stored together with its end.
                chat = await chats.find(chat_id)
                if notifier.is_closed or chat is None:
                    return
                is_gone = desk not in {None, chat.queue}
                if desk is None and chat.is_waiting:
                    await chats.record_presence(chat_id, self._ports.clock())
                for line in await chats.list_lines(chat_id, after):
                    after = line.rank
                    yield line
                    if is_gone and line.kind is LineKind.TRANSFERT:
                        return
                if is_gone or not chat.is_open:
                    return
                if chat.is_waiting and (position := await chats.find_position(chat)) != sent:
                    sent = position
                    yield QueuePosition(position)
                if chat.queue == queue:
                    await self._wait(news)
                queue = chat.queue

    async def _wait(self, news: asyncio.Event) -> None:
        try:
            async with asyncio.timeout(self._ports.heartbeat_s):
                await news.wait()
        except TimeoutError:
            return
