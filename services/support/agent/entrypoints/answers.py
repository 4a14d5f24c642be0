"""Bodies of the HTTP answers of the virtual agent: conversations and articles."""

from datetime import datetime
from typing import Self

from pydantic import Field

from services.support.agent.domain.conversation import AnswerKind, Citation, Conversation, Turn
from services.support.tickets.entrypoints.answers import PrefillAnswer
from shared.answers.answer import Answer
from shared.contracts.public_paths import public_path


class CitationAnswer(Answer):
    """Where an answer was taken from."""

    code: str
    title: str
    heading: str
    link: str

    @classmethod
    def of(cls, cited: Citation) -> Self:
        """Show a citation with the address of its article."""
        return cls(
            code=cited.code,
            title=cited.title,
            heading=cited.heading,
            link=public_path("support", "articles", cited.code),
        )


class PersonAnswer(Answer):
    """Whether people answer now."""

    is_open: bool
    opens_at: datetime | None = Field(description="Absent tant que c'est ouvert.")


class TurnAnswer(Answer):
    """A message and the answer to it; both are text, whatever they look like."""

    at: datetime
    message: str
    kind: AnswerKind
    answer: str
    citation: CitationAnswer | None = Field(description="L'article d'où vient la réponse.")
    related: tuple[CitationAnswer, ...] = Field(description="Articles voisins.")

    @classmethod
    def of(cls, turn: Turn) -> Self:
        """Show a turn."""
        return cls(
            at=turn.at,
            message=turn.message,
            kind=turn.kind,
            answer=turn.answer,
            citation=CitationAnswer.of(turn.citation) if turn.citation else None,
            related=tuple(CitationAnswer.of(each) for each in turn.related),
        )


class ReplyAnswer(TurnAnswer):
    """A turn, with what is offered when the answer is not what was asked."""

    person: PersonAnswer | None = None
    ticket: PrefillAnswer | None = None


class ConversationAnswer(Answer):
    """All that was said."""

    conversation_id: str
    started_at: datetime
    turns: tuple[TurnAnswer, ...]

    @classmethod
    def of(cls, conversation: Conversation) -> Self:
        """Show a conversation."""
        return cls(
            conversation_id=conversation.id,
            started_at=conversation.started_at,
            turns=tuple(TurnAnswer.of(each) for each in conversation.turns),
        )


class OpenedAnswer(ConversationAnswer):
    """A conversation that begins."""

    token: str | None = Field(
        description="Sans compte : à redonner dans X-Conversation-Token. Donné une seule fois."
    )


class PassageAnswer(Answer):
    """What an article says under a heading."""

    heading: str
    text: str


class ArticleLineAnswer(Answer):
    """An article in the list."""

    code: str
    title: str
    link: str


class ArticleAnswer(Answer):
    """An article, in Markdown."""

    code: str
    title: str
    passages: tuple[PassageAnswer, ...]
    source: str
    sub_category: str | None


class ArticlesAnswer(Answer):
    """All the articles."""

    articles: tuple[ArticleLineAnswer, ...]
