"""Frames of the chat WebSocket."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Literal, Self

from pydantic import Field, TypeAdapter

from services.support.chat.domain.chat import Chat, ChatRequest, ChatState
from services.support.chat.entrypoints.answers import DeskQueueAnswer, LineAnswer, ViolationAnswer
from services.support.desks.entrypoints.requests import ClosedRequest, Token
from services.support.tickets.domain.prefill import Prefill
from services.support.tickets.entrypoints.answers import PrefillAnswer
from shared.answers.answer import Answer
from shared.contracts.public_paths import public_path
from shared.contracts.texts import TypedText
from shared.vocabulary.rules import Violation

_Short = Annotated[str, TypedText(100)]
# The rules have their own limits, and say them; these bound what is looked at.
_Judged = Annotated[str, TypedText(100, judged=True)]
_Text = Annotated[str, TypedText(30_000, lines=True, judged=True)]
RANK_LIMIT = 10**6
"""Bound of a line's rank in a request."""
TICKETS = public_path("support", "tickets")
OPEN_TICKETS = public_path("support", "open", "tickets")


class BeginFrame(ClosedRequest):
    """Take a place in the queue."""

    type: Literal["commencer"]
    sub_category: _Judged | None = None
    recipient: _Judged | None = None
    text: _Text = ""
    key: _Judged | None = None

    def to_domain(self) -> ChatRequest:
        """Convert the frame to a request."""
        return ChatRequest(self.sub_category, self.recipient or None, self.text, self.key)


class ResumeFrame(ClosedRequest):
    """Go on after a lost connection."""

    type: Literal["reprendre"]
    chat_id: _Short
    token: Token = ""
    after: Annotated[int, Field(ge=0, lt=RANK_LIMIT)] = 0


class WriteFrame(ClosedRequest):
    """Write."""

    type: Literal["ecrire"]
    text: _Text
    key: _Judged | None = None


class EndFrame(ClosedRequest):
    """End the chat."""

    type: Literal["terminer"]


First = Annotated[BeginFrame | ResumeFrame, Field(discriminator="type")]
Next = Annotated[WriteFrame | EndFrame, Field(discriminator="type")]
FIRST: TypeAdapter[BeginFrame | ResumeFrame] = TypeAdapter(First)
NEXT: TypeAdapter[WriteFrame | EndFrame] = TypeAdapter(Next)


class SessionFrame(Answer):
    """The chat that a connection is about."""

    type: Literal["session"] = "session"
    chat_id: str
    state: ChatState
    token: str | None

    @classmethod
    def of(cls, chat: Chat, token: str | None = None) -> Self:
        """Show a chat; the token is given once."""
        return cls(chat_id=chat.id, state=chat.state, token=token)


class PositionFrame(Answer):
    """A place in the queue."""

    type: Literal["file"] = "file"
    position: int


class LineFrame(LineAnswer):
    """A line, as it comes."""

    type: Literal["ligne"] = "ligne"


class RefusalFrame(Answer):
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


class QueueFrame(DeskQueueAnswer):
    """The open chats of a desk, as they now are."""

    type: Literal["conversations"] = "conversations"
