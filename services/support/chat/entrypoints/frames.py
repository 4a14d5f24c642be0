"""Frames of the chat WebSocket, and the JSON answers of its HTTP routes."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Literal, Self

from pydantic import Field, TypeAdapter

from services.support.chat.domain.chat import Chat, ChatRequest, ChatState, Ending, Line, LineKind
from services.support.desks.entrypoints.bodies import AnswerBody, RequestBody, Token
from services.support.tickets.domain.prefill import Prefill
from services.support.tickets.entrypoints.answers import PrefillAnswer
from shared.contracts.public_paths import public_path
from shared.contracts.texts import TypedText
from shared.vocabulary.rules import Violation
from shared.vocabulary.tickets import Desk, Side

_Short = Annotated[str, TypedText(100)]
# The rules have their own limits, and say them; these bound what is looked at.
_Judged = Annotated[str, TypedText(100, judged=True)]
_Text = Annotated[str, TypedText(30_000, lines=True, judged=True)]
RANK_LIMIT = 10**6
"""Bound of a line's rank in a request."""
TICKETS = public_path("support", "tickets")
OPEN_TICKETS = public_path("support", "open", "tickets")


class BeginFrame(RequestBody):
    """Take a place in the queue."""

    type: Literal["commencer"]
    sub_category: _Judged | None = None
    recipient: _Judged | None = None
    text: _Text = ""
    key: _Judged | None = None

    def to_domain(self) -> ChatRequest:
        """Convert the frame to a request."""
        return ChatRequest(self.sub_category, self.recipient or None, self.text, self.key)


class ResumeFrame(RequestBody):
    """Go on after a lost connection."""

    type: Literal["reprendre"]
    chat_id: _Short
    token: Token = ""
    after: Annotated[int, Field(ge=0, lt=RANK_LIMIT)] = 0


class WriteFrame(RequestBody):
    """Write."""

    type: Literal["ecrire"]
    text: _Text
    key: _Judged | None = None


class EndFrame(RequestBody):
    """End the chat."""

    type: Literal["terminer"]


First = Annotated[BeginFrame | ResumeFrame, Field(discriminator="type")]
Next = Annotated[WriteFrame | EndFrame, Field(discriminator="type")]
FIRST: TypeAdapter[BeginFrame | ResumeFrame] = TypeAdapter(First)
NEXT: TypeAdapter[WriteFrame | EndFrame] = TypeAdapter(Next)


class SessionFrame(AnswerBody):
    """The chat that a connection is about."""

    type: Literal["session"] = "session"
    chat_id: str
    state: ChatState
    token: str | None

    @classmethod
    def of(cls, chat: Chat, token: str | None = None) -> Self:
        """Show a chat; the token is given once."""
        return cls(chat_id=chat.id, state=chat.state, token=token)


class PositionFrame(AnswerBody):
    """A place in the queue."""

    type: Literal["file"] = "file"
    position: int


class LineAnswer(AnswerBody):
    """A line of a transcript; text, whatever it looks like."""

    rank: int
    at: datetime
    by: Side
    who: str
    kind: LineKind
    text: str
    key: str | None


class LineFrame(LineAnswer):
    """A line, as it comes."""

    type: Literal["ligne"] = "ligne"


class ViolationAnswer(AnswerBody):
    """A broken rule."""

    code: str
    field: str
    message: str
    remedy: str


class RefusalFrame(AnswerBody):
    """Something that was refused; nothing was kept of it."""

    type: Literal["refus"] = "refus"
    code: str
    detail: str
    violations: tuple[ViolationAnswer, ...]
    key: str | None = None
    opens_at: datetime | None = Field(None, description="Quand le tchat est fermé.")
    ticket: PrefillAnswer | None = Field(None, description="Un ticket prérempli.")
    ticket_link: str | None = Field(None, description="Où le déposer.")

    @classmethod
    def of(
        cls,
        found: Sequence[Violation],
        *,
        key: str | None = None,
        opens_at: datetime | None = None,
        ticket: Prefill | None = None,
        ticket_link: str | None = None,
    ) -> Self:
        """Show broken rules, and what is offered instead."""
        return cls(
            code=found[0].code,
            detail=" ".join(each.message for each in found),
            violations=tuple(ViolationAnswer.model_validate(each) for each in found),
            key=key,
            opens_at=opens_at,
            ticket=PrefillAnswer.model_validate(ticket) if ticket else None,
            ticket_link=ticket_link,
        )


class HoursAnswer(AnswerBody):
    """Whether the chat is open, when it opens, and what else there is."""

    is_open: bool
    opens_at: datetime | None = Field(description="Absent tant que c'est ouvert.")
    detail: str
    ticket_link: str


class ChatAnswer(AnswerBody):
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


class DeskQueueAnswer(AnswerBody):
    """The open chats of a desk: those that wait, in order, then those that go on."""

    chats: tuple[DeskChatAnswer, ...]

    @classmethod
    def of(cls, chats: Sequence[Chat]) -> Self:
        """Show them."""
        return cls(chats=tuple(DeskChatAnswer.of(each) for each in chats))


class QueueFrame(DeskQueueAnswer):
    """The open chats of a desk, as they now are."""

    type: Literal["conversations"] = "conversations"


class TranscriptAnswer(AnswerBody):
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
