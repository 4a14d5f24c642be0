"""Use cases of the live chat: start, write, take, transfer, end, read."""

from collections.abc import Callable, Collection, Sequence
from datetime import datetime

from services.support.access.application.directory import find_directory
from services.support.access.application.tokens import create_token, hash_token
from services.support.access.domain.parties import Asker, Recipient
from services.support.chat.application.ports import (
    ChatChange,
    ChatPorts,
    StartedChat,
    TakenChat,
    TransferResult,
)
from services.support.chat.application.visitors import Visitor, build_start_key
from services.support.chat.domain import rules as chat_rules
from services.support.chat.domain.changes import (
    add_message,
    apply_time_limits,
    assign_agent,
    choose_queue,
    end_chat,
    prefill_ticket,
    transfer_chat,
)
from services.support.chat.domain.chat import (
    Chat,
    ChatLimits,
    ChatRequest,
    ChatTransfer,
    ChatUpdate,
    Ending,
    Line,
    Message,
    Queue,
)
from services.support.chat.domain.validation import (
    judge_message,
    judge_repeat,
    judge_request,
    judge_transfer,
)
from services.support.desks.domain.hours import Availability
from services.support.desks.domain.opening import judge_opening
from services.support.tickets.domain import rules as ticket_rules
from services.support.tickets.domain.prefill import Prefill
from shared.application.idempotency import (
    Key,
    UsedKey,
    build_key,
    name_agent_owner,
    serialize_request,
)
from shared.vocabulary.rules import Violation
from shared.vocabulary.tickets import Side

Violations = tuple[Violation, ...]
"""Rules that refuse a request."""


class LiveChat:
    """Use cases of the live chat, for visitors and for desks."""

    def __init__(self, ports: ChatPorts, limits: ChatLimits) -> None:
        """Use these ports and limits."""
        self._ports = ports
        self._limits = limits
        # While the service was down, no visitor could be connected.
        self._started_at = ports.clock()

    def find_availability(self) -> Availability:
        """Tell whether people answer now, and when they next will."""
        return self._limits.hours.find_availability(self._ports.clock())

    def check_opening(self) -> Violations:
        """Return the rule that refuses a chat outside opening hours."""
        return judge_opening(self._limits.hours, self._ports.clock())

    async def start(self, visitor: Visitor, request: ChatRequest) -> StartedChat | Violations:
        """Start a chat in a queue, or return the rules that refuse it.

        The same request with the same key resumes the chat.
        """
        ports, limits, now = self._ports, self._limits, self._ports.clock()
        token = None if visitor.asker else create_token()
        sent = build_start_key(visitor, request)
        if sent and (
            known := await ports.chats.change(lambda each: _find_started(each, sent, token))
        ):
            return known
        directory = await find_directory(ports.structures, Recipient(request.recipient or ""))
        found = judge_opening(limits.hours, now) or judge_request(
            request, ports.catalogue, directory
        )
        if found:
            return found
        if visitor.asker is None and await ports.starts.count_request(visitor.address):
            return (chat_rules.TOO_MANY_STARTED.build_violation("requête"),)
        queue = choose_queue(request, ports.catalogue)
        chat_id = ports.new_id()

        async def work(change: ChatChange) -> StartedChat | Violations:
            if known := await _find_started(change, sent, token):
                return known
            if full := await self._find_reached_limit(change, queue, visitor):
                return full
            update = ChatUpdate(
                Chat(
                    id=chat_id,
                    queue=queue,
                    place=await change.join_queue(queue),
                    started_at=now,
                    said_at=now,
                    asker=visitor.asker,
                    sub_category=request.sub_category,
                )
            )
            if request.text:
                message = Message(Side.DEMANDEUR, request.text, key=request.key)
                update = add_message(update.chat, message, limits, now)
            await change.insert(update, visitor.owner, hash_token(token) if token else None, sent)
            return StartedChat(update.chat, token)

        return await ports.chats.change(work)

    async def _find_reached_limit(
        self, change: ChatChange, queue: Queue, visitor: Visitor
    ) -> Violations:
        """Find the limit that refuses a chat of a visitor."""
        limits, waiting = self._limits, await change.count_waiting(queue)
        if waiting >= limits.waiting:
            return (chat_rules.QUEUE_FULL.build_violation("requête", waiting=waiting),)
        if visitor.asker is None:
            strangers = await change.count_waiting_without_account(queue)
            if strangers >= limits.waiting_open:
                return (chat_rules.STRANGERS_FULL.build_violation("requête", waiting=strangers),)
        if await change.count_open(visitor.owner) >= limits.open_each:
            return (chat_rules.TOO_MANY_OPEN.build_violation("requête", limit=limits.open_each),)
        return ()

    async def write(self, chat_id: str, message: Message) -> Line | Violations:
        """Write a message in a chat, or return the rules that refuse it.

        The same key again returns the stored line.
        """

        async def work(change: ChatChange) -> Line | Violations:
            chat = await change.load(chat_id)
            if chat is None:
                return (chat_rules.ENDED.build_violation("session"),)
            line = await change.find_line(chat, message)
            if line is not None:
                return judge_repeat(line, message) or line
            now = self._ports.clock()
            found = judge_message(chat, message, self._limits, now)
            if found:
                return found
            update = add_message(chat, message, self._limits, now)
            await change.save(update)
            return update.lines[0]

        return await self._ports.chats.change(work)

    async def take_next(
        self, queue: Queue, agent: str, key: str | None = None
    ) -> TakenChat | Violations:
        """Assign the chat that waits first to an agent, once per idempotency key."""
        owner = name_agent_owner(queue.desk, queue.structure, agent)
        used_key = await build_key(owner, key, "next", ())

        async def work(change: ChatChange) -> TakenChat | Violations:
            if used := await change.find_key_use(used_key):
                taken = await change.load(used.subject)
                mine = taken if taken and taken.queue == queue else None
                return _judge_key(used, used_key) or TakenChat(mine, is_replay=True)
            chat = await change.find_first(queue)
            if chat is None:
                return TakenChat(None)
            update = assign_agent(chat, agent, self._ports.clock())
            await change.leave_queue(queue)
            await change.save(update)
            await change.record_key_use(used_key, chat.id)
            return TakenChat(update.chat)

        return await self._ports.chats.change(work)

    async def transfer(
        self, chat_id: str, transfer: ChatTransfer, key: str | None = None
    ) -> TransferResult:
        """Transfer a chat to the queue of another desk, once per idempotency key."""
        ports = self._ports
        owner = name_agent_owner(transfer.desk.desk, transfer.desk.structure, transfer.agent)
        used_key = await build_key(owner, key, serialize_request(chat_id, transfer), ())
        structure = transfer.to.structure
        directory = await find_directory(ports.structures, Recipient(structure or ""))

        async def work(change: ChatChange) -> TransferResult:
            if used := await change.find_key_use(used_key):
                reused = _judge_key(used, used_key)
                return TransferResult(reused, is_replay=not reused)
            chat = await change.load(chat_id)
            if chat is None:
                return TransferResult((chat_rules.ENDED.build_violation("session"),))
            if found := judge_transfer(chat, transfer, directory):
                return TransferResult(found)
            place = await change.join_queue(transfer.to)
            await change.save(transfer_chat(chat, transfer, place, ports.clock()))
            await change.record_key_use(used_key, chat.id)
            return TransferResult()

        return await ports.chats.change(work)

    async def end(
        self, chat_id: str, ending: Ending, who: str = "", desk: Queue | None = None
    ) -> None:
        """End a chat, unless it has ended or another desk has it."""

        def build_update(chat: Chat) -> ChatUpdate | None:
            if not chat.is_open or desk not in {None, chat.queue}:
                return None
            return end_chat(chat, ending, self._limits, self._ports.clock(), who)

        await self._update(chat_id, build_update)

    async def list_reached(self) -> Collection[str]:
        """List the open chats that a time limit has reached, and those that cannot be read."""
        found = await self._ports.chats.list_open()
        return [
            chat_id
            for chat_id, each in found.items()
            if each is None or self._apply_time_limits(each.chat, each.seen_at)
        ]

    async def apply_time_limits(self, chat_id: str) -> None:
        """Warn or end a chat that a time limit has reached."""
        seen_at = await self._ports.chats.find_seen_at(chat_id)
        await self._update(
            chat_id, lambda chat: self._apply_time_limits(chat, seen_at or chat.started_at)
        )

    def _apply_time_limits(self, chat: Chat, seen_at: datetime) -> ChatUpdate | None:
        seen_at = max(seen_at, self._started_at)
        return apply_time_limits(chat, self._limits, self._ports.clock(), seen_at)

    async def _update(
        self, chat_id: str, build_update: Callable[[Chat], ChatUpdate | None]
    ) -> None:
        async def work(change: ChatChange) -> None:
            chat = await change.load(chat_id)
            update = build_update(chat) if chat else None
            if chat is None or update is None:
                return
            if chat.is_waiting and not update.chat.is_waiting:
                await change.leave_queue(chat.queue)
            await change.save(update)

        await self._ports.chats.change(work)

    async def find_for_visitor(self, chat_id: str, asker: Asker | None, token: str) -> Chat | None:
        """Read a chat for the visitor who started it; None for anybody else."""
        if asker is None:
            return await self._ports.chats.find_by_token(chat_id, hash_token(token))
        chat = await self._ports.chats.find(chat_id)
        return chat if chat and chat.asker == asker else None

    async def find_for_desk(self, chat_id: str, queue: Queue) -> Chat | None:
        """Read a chat for the desk that has it; None for any other."""
        chat = await self._ports.chats.find(chat_id)
        return chat if chat and chat.queue == queue else None

    async def list_queue(self, queue: Queue) -> Sequence[Chat]:
        """List the open chats of a desk."""
        return await self._ports.chats.list_queue(queue)

    async def list_lines(self, chat: Chat) -> Sequence[Line]:
        """Read the transcript of a chat."""
        return await self._ports.chats.list_lines(chat.id, 0)

    async def prefill_ticket(self, chat: Chat) -> Prefill:
        """Prefill a ticket from the transcript of a chat."""
        return prefill_ticket(chat, await self.list_lines(chat))


def _judge_key(used: UsedKey, key: Key | None) -> Violations:
    """Refuse an idempotency key that was used for another request."""
    if not used.is_of(key):
        return (ticket_rules.KEY_REUSED.build_violation("Idempotency-Key"),)
    return ()


async def _find_started(
    change: ChatChange, sent: str | None, token: str | None
) -> StartedChat | None:
    """Find the chat that the same request started, and give it a new token.

    The store has only the hash of the first token.
    """
    chat = await change.find_started(sent) if sent else None
    if chat is None:
        return None
    if token:
        await change.add_token(chat.id, hash_token(token))
    return StartedChat(chat, token)
