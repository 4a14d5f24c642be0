"""Frames of the chat WebSocket."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Literal, Self

from pydantic import Field, TypeAdapter

from services.support.access.entrypoints.requests import ClosedRequest, Token
from services.support.chat.domain.chat import Chat, ChatRequest, ChatState
from services.support.chat.entrypoints.answers import DeskQueueAnswer, LineAnswer
from services.support.tickets.domain.prefill import Prefill
from services.support.tickets.entrypoints.answers import PrefillAnswer
from shared.answers.answer import Answer
from shared.answers.violations import ViolationAnswer
from shared.contracts.public_paths import build_public_path
from shared.contracts.texts import TypedText
from shared.vocabulary.rules import Violation, join_messages

_Short = Annotated[str, TypedText(100)]
# Rules refuse a longer text with their own code; these limits only bound how much is read.
_Judged = Annotated[str, TypedText(100, judged=True)]
_Text = Annotated[str, TypedText(30_000, lines=True, judged=True)]
RANK_LIMIT = 10**6
"""Limit of the rank of a line in a request."""
TICKETS = build_public_path("support", "tickets")
OPEN_TICKETS = build_public_path("support", "open", "tickets")


class BeginFrame(ClosedRequest):
    """Frame that starts a chat in a queue."""

    type: Literal["commencer"]
    sub_category: _Judged | None = None
    recipient: _Judged | None = None
    text: _Text = ""
    key: _Judged | None = None

    def to_domain(self) -> ChatRequest:
        """Convert the frame to a request."""
        return ChatRequest(self.sub_category, self.recipient or None, self.text, self.key)


class ResumeFrame(ClosedRequest):
    """Frame that resumes a chat after a lost connection."""

    type: Literal["reprendre"]
    chat_id: _Short
    token: Token = ""
    after: Annotated[int, Field(ge=0, lt=RANK_LIMIT)] = 0


class WriteFrame(ClosedRequest):
    """Frame that writes a message."""

    type: Literal["ecrire"]
    text: _Text
    key: _Judged | None = None


class EndFrame(ClosedRequest):
    """Frame that ends the chat."""

    type: Literal["terminer"]


First = Annotated[BeginFrame | ResumeFrame, Field(discriminator="type")]
Next = Annotated[WriteFrame | EndFrame, Field(discriminator="type")]
FIRST: TypeAdapter[BeginFrame | ResumeFrame] = TypeAdapter(First)
NEXT: TypeAdapter[WriteFrame | EndFrame] = TypeAdapter(Next)


class SessionFrame(Answer):
    """Frame that names the chat of a connection."""

    type: Literal["session"] = "session"
    chat_id: str
    state: ChatState
    token: str | None

    @classmethod
    def of(cls, chat: Chat, token: str | None = None) -> Self:
        """Show a chat; the token is given once."""
        return cls(chat_id=chat.id, state=chat.state, token=token)


class PositionFrame(Answer):
    """Frame of the position in the queue."""

    type: Literal["file"] = "file"
    position: int


class LineFrame(LineAnswer):
    """Frame of a line."""

    type: Literal["ligne"] = "ligne"


class RefusalFrame(Answer):
    """Frame of a refusal: nothing was stored."""

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
            detail=join_messages(found),
            violations=tuple(map(ViolationAnswer.of, found)),
            key=key,
            opens_at=opens_at,
            ticket=PrefillAnswer.model_validate(ticket) if ticket else None,
            ticket_link=ticket_link,
        )


class QueueFrame(DeskQueueAnswer):
    """Frame of the open chats of a desk."""

    type: Literal["conversations"] = "conversations"
