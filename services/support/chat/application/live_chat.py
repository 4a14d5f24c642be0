"""Use cases of the live chat: start, write, take, transfer, end, read."""

from collections.abc import Callable, Sequence
from datetime import datetime

from services.support.chat.application.ports import ChatChange, ChatPorts, StartedChat
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
from services.support.desks.application.directory import find_directory
from services.support.desks.application.tokens import create_token, hash_token
from services.support.desks.domain.hours import Availability
from services.support.desks.domain.opening import judge_opening
from services.support.desks.domain.parties import Asker, Recipient
from services.support.tickets.domain.prefill import Prefill
from shared.vocabulary.rules import Violation
from shared.vocabulary.tickets import Side

Violations = tuple[Violation, ...]
"""Why something was refused."""


class LiveChat:
    """The chat, for those who ask and for the desks."""

    def __init__(self, ports: ChatPorts, bounds: ChatLimits) -> None:
        """Use these ports, within these bounds."""
        self._ports = ports
        self._bounds = bounds
        # While the service was down nobody could be seen.
        self._started_at = ports.clock()

    def availability(self) -> Availability:
        """Say whether people answer."""
        return self._bounds.hours.availability(self._ports.clock())

    def closed(self) -> Violations:
        """Say when the chat opens, unless it is open."""
        return judge_opening(self._bounds.hours, self._ports.clock())

    async def begin(self, guest: Visitor, wish: ChatRequest) -> StartedChat | Violations:
        """Take a place in a queue. The same wish with the same key again resumes the chat."""
        ports, bounds, now = self._ports, self._bounds, self._ports.clock()
        directory = await find_directory(ports.structures, Recipient(wish.recipient or ""))
        found = judge_opening(bounds.hours, now) or judge_request(wish, ports.catalogue, directory)
        if found:
            return found
        token = None if guest.asker else create_token()
        sent = build_start_key(guest, wish)
        if sent and (
            known := await ports.chats.change(lambda each: _find_started(each, sent, token))
        ):
            return known
        if guest.asker is None and await ports.begun.is_exceeded(guest.address):
            return (chat_rules.TOO_MANY_BEGUN.broken("requête"),)
        queue = choose_queue(wish, ports.catalogue)
        chat_id = ports.new_id()

        async def work(change: ChatChange) -> StartedChat | Violations:
            if known := await _find_started(change, sent, token):
                return known
            if full := await self._full(change, queue, guest):
                return full
            step = ChatUpdate(
                Chat(
                    id=chat_id,
                    queue=queue,
                    place=await change.join(queue),
                    started_at=now,
                    said_at=now,
                    asker=guest.asker,
                    sub_category=wish.sub_category,
                )
            )
            if wish.text:
                said = Message(Side.DEMANDEUR, wish.text, key=wish.key)
                step = add_message(step.chat, said, bounds, now)
            await change.insert(step, guest.owner, hash_token(token) if token else None, sent)
            return StartedChat(step.chat, token)

        return await ports.chats.change(work)

    async def _full(self, change: ChatChange, queue: Queue, guest: Visitor) -> Violations:
        """Say which bound keeps a guest from a queue."""
        bounds, waiting = self._bounds, await change.waiting(queue)
        if waiting >= bounds.waiting:
            return (chat_rules.QUEUE_FULL.broken("requête", waiting=waiting),)
        if guest.asker is None:
            strangers = await change.strangers(queue)
            if strangers >= bounds.waiting_open:
                return (chat_rules.STRANGERS_FULL.broken("requête", waiting=strangers),)
        if await change.open_of(guest.owner) >= bounds.open_each:
            return (chat_rules.TOO_MANY_OPEN.broken("requête", limit=bounds.open_each),)
        return ()

    async def say(self, chat_id: str, said: Message) -> Line | Violations:
        """Write in a chat. The same key again gives the line that is there."""

        async def work(change: ChatChange) -> Line | Violations:
            chat = await change.load(chat_id)
            if chat is None:
                return (chat_rules.ENDED.broken("session"),)
            line = await change.said(chat, said)
            if line is not None:
                return judge_repeat(line, said) or line
            now = self._ports.clock()
            found = judge_message(chat, said, self._bounds, now)
            if found:
                return found
            step = add_message(chat, said, self._bounds, now)
            await change.save(step)
            return step.lines[0]

        return await self._ports.chats.change(work)

    async def take_next(self, queue: Queue, agent: str) -> Chat | None:
        """Give the chat that waits first to an agent; None when nobody waits."""

        async def work(change: ChatChange) -> Chat | None:
            chat = await change.first(queue)
            if chat is None:
                return None
            step = assign_agent(chat, agent, self._ports.clock())
            await change.leave(queue)
            await change.save(step)
            return step.chat

        return await self._ports.chats.change(work)

    async def hand_over(self, chat_id: str, handing: ChatTransfer) -> Violations:
        """Give a chat to another desk, in whose queue it waits; or say why not."""
        ports = self._ports
        structure = handing.to.structure
        directory = await find_directory(ports.structures, Recipient(structure or ""))

        async def work(change: ChatChange) -> Violations:
            chat = await change.load(chat_id)
            if chat is None:
                return (chat_rules.ENDED.broken("session"),)
            if found := judge_transfer(chat, handing, directory):
                return found
            place = await change.join(handing.to)
            await change.save(transfer_chat(chat, handing, place, ports.clock()))
            return ()

        return await ports.chats.change(work)

    async def end(
        self, chat_id: str, ending: Ending, who: str = "", desk: Queue | None = None
    ) -> None:
        """End a chat; one that has ended, or that another desk has by now, stays as it is."""

        def step_of(chat: Chat) -> ChatUpdate | None:
            if not chat.is_open or desk not in {None, chat.queue}:
                return None
            return end_chat(chat, ending, self._bounds, self._ports.clock(), who)

        await self._step(chat_id, step_of)

    async def pass_time(self) -> Sequence[Chat]:
        """Warn, and end, what the passing of time warns and ends; give what was open before."""
        found = await self._ports.chats.present()
        for present in found:
            seen_at = max(present.seen_at, self._started_at)

            def passing(chat: Chat, seen_at: datetime = seen_at) -> ChatUpdate | None:
                return apply_time_limits(chat, self._bounds, self._ports.clock(), seen_at)

            if passing(present.chat):
                await self._step(present.chat.id, passing)
        return [present.chat for present in found]

    async def _step(self, chat_id: str, step_of: Callable[[Chat], ChatUpdate | None]) -> None:
        async def work(change: ChatChange) -> None:
            chat = await change.load(chat_id)
            step = step_of(chat) if chat else None
            if chat is None or step is None:
                return
            if chat.is_waiting and not step.chat.is_waiting:
                await change.leave(chat.queue)
            await change.save(step)

        await self._ports.chats.change(work)

    async def of_guest(self, chat_id: str, asker: Asker | None, token: str) -> Chat | None:
        """Read a chat as the one who began it; None for anybody else."""
        if asker is None:
            return await self._ports.chats.of_token(chat_id, hash_token(token))
        chat = await self._ports.chats.find(chat_id)
        return chat if chat and chat.asker == asker else None

    async def of_desk(self, chat_id: str, queue: Queue) -> Chat | None:
        """Read a chat as an agent of the desk that it is for; None for any other."""
        chat = await self._ports.chats.find(chat_id)
        return chat if chat and chat.queue == queue else None

    async def queue(self, queue: Queue) -> Sequence[Chat]:
        """List the open chats of a desk."""
        return await self._ports.chats.of_queue(queue)

    async def lines(self, chat: Chat) -> Sequence[Line]:
        """Read a transcript."""
        return await self._ports.chats.since(chat.id, 0)

    async def ticket(self, chat: Chat) -> Prefill:
        """Make of a chat what a ticket begins with."""
        return prefill_ticket(chat, await self.lines(chat))


async def _find_started(
    change: ChatChange, sent: str | None, token: str | None
) -> StartedChat | None:
    """Find the chat that the same beginning began; its first token is not kept: here is another."""
    chat = await change.begun(sent) if sent else None
    if chat is None:
        return None
    if token:
        await change.admit(chat.id, hash_token(token))
    return StartedChat(chat, token)
