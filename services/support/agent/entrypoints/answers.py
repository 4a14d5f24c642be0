"""Bodies of the HTTP answers of the virtual agent: conversations and articles."""

from datetime import datetime
from typing import Self

from pydantic import Field

from services.support.agent.domain.conversation import AnswerKind, Citation, Conversation, Turn
from services.support.tickets.entrypoints.answers import PrefillAnswer
from shared.answers.answer import Answer
from shared.contracts.public_paths import build_public_path


class CitationAnswer(Answer):
    """Citation: the article and the heading that an answer comes from."""

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
            link=build_public_path("support", "articles", cited.code),
        )


class PersonAnswer(Answer):
    """Availability of the people of a desk."""

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
    """A turn, with a person and a ticket when the answer does not help."""

    person: PersonAnswer | None = None
    ticket: PrefillAnswer | None = None


class ConversationAnswer(Answer):
    """A conversation, with all its turns."""

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
    """A conversation that was just started, with its token."""

    token: str | None = Field(
        description="Sans compte : à redonner dans X-Conversation-Token. Donné une seule fois."
    )


class PassageAnswer(Answer):
    """The text of an article under a heading."""

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
    """The list of articles."""

    articles: tuple[ArticleLineAnswer, ...]
