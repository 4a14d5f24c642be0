"""Bodies of the HTTP answers of the chat; some of them are in its WebSocket frames too."""

from collections.abc import Sequence
from datetime import datetime
from typing import Self

from pydantic import Field

from services.support.chat.domain.chat import Chat, ChatState, Ending, Line, LineKind
from shared.answers.answer import Answer
from shared.vocabulary.tickets import Desk, Side


class LineAnswer(Answer):
    """A line of a transcript; text, whatever it looks like."""

    rank: int
    at: datetime
    by: Side
    who: str
    kind: LineKind
    text: str
    key: str | None


class HoursAnswer(Answer):
    """Opening of the chat: whether it is open, when it opens, and where to send a ticket."""

    is_open: bool
    opens_at: datetime | None = Field(description="Absent tant que c'est ouvert.")
    detail: str
    ticket_link: str


class ChatAnswer(Answer):
    """A chat."""

    chat_id: str
    state: ChatState
    desk: Desk
    sub_category: str | None
    started_at: datetime
    agent: str | None
    ended_at: datetime | None
    ending: Ending | None

    @classmethod
    def of(cls, chat: Chat) -> Self:
        """Show a chat."""
        return cls(
            chat_id=chat.id,
            state=chat.state,
            desk=chat.queue.desk,
            sub_category=chat.sub_category,
            started_at=chat.started_at,
            agent=chat.agent,
            ended_at=chat.ended_at,
            ending=chat.ending,
        )


class DeskChatAnswer(ChatAnswer):
    """A chat, as its desk sees it."""

    structure: str | None = Field(description="Qui demande ; absent sans compte.")
    role: str | None

    @classmethod
    def of(cls, chat: Chat) -> Self:
        """Show a chat and who asks."""
        shown = ChatAnswer.of(chat).model_dump()
        asker = chat.asker
        return cls(
            **shown,
            structure=asker.structure if asker else None,
            role=asker.role if asker else None,
        )


class DeskQueueAnswer(Answer):
    """The open chats of a desk: those that wait, in order, then those in progress."""

    chats: tuple[DeskChatAnswer, ...]

    @classmethod
    def of(cls, chats: Sequence[Chat]) -> Self:
        """Show the chats of a desk."""
        return cls(chats=tuple(DeskChatAnswer.of(each) for each in chats))


class TranscriptAnswer(Answer):
    """A chat and all its lines, in order."""

    chat: ChatAnswer
    lines: tuple[LineAnswer, ...]

    @classmethod
    def of(cls, chat: Chat, lines: Sequence[Line]) -> Self:
        """Show a transcript."""
        return cls(
            chat=ChatAnswer.of(chat),
            lines=tuple(LineAnswer.model_validate(line) for line in lines),
        )
