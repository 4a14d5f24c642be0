"""HTTP routes of the virtual agent and of its articles, with or without an account."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from typing import Annotated, Self

from fastapi import APIRouter, Depends, Header, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from services.support.agent.application.ports import Conversations
from services.support.agent.application.virtual_agent import VirtualAgent
from services.support.agent.domain import rules as agent_rules
from services.support.agent.domain.articles import Article
from services.support.agent.domain.conversation import (
    KINDS_OFFERING_HELP,
    AnswerKind,
    Citation,
    Conversation,
    Turn,
)
from services.support.desks.application.tokens import hash_token
from services.support.desks.entrypoints.authentication import MaybeAsker
from services.support.desks.entrypoints.bodies import AnswerBody, Id, Text, Token
from services.support.desks.entrypoints.rate_limits import too_many_requests
from services.support.tickets.domain.prefill import Prefill
from services.support.tickets.entrypoints.answers import PrefillAnswer
from shared.contracts.public_paths import public_path
from shared.runtime.web.addresses import read_address
from shared.runtime.web.problems import Problem, not_found, refused
from shared.runtime.web.request_validation import DescribedRoute
from shared.vocabulary.rules import Violation


class CitationAnswer(AnswerBody):
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


class PersonAnswer(AnswerBody):
    """Whether people answer now."""

    is_open: bool
    opens_at: datetime | None = Field(description="Absent tant que c'est ouvert.")


class TurnAnswer(AnswerBody):
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


class ConversationAnswer(AnswerBody):
    """All that was said."""

    id: str
    started_at: datetime
    turns: tuple[TurnAnswer, ...]

    @classmethod
    def of(cls, conversation: Conversation) -> Self:
        """Show a conversation."""
        return cls(
            id=conversation.id,
            started_at=conversation.started_at,
            turns=tuple(TurnAnswer.of(each) for each in conversation.turns),
        )


class OpenedAnswer(ConversationAnswer):
    """A conversation that begins."""

    token: str | None = Field(
        description="Sans compte : à redonner dans X-Conversation-Token. Donné une seule fois."
    )


class MessageBody(BaseModel):
    """Something said."""

    model_config = ConfigDict(extra="forbid")

    text: Text


class PassageAnswer(AnswerBody):
    """What an article says under a heading."""

    heading: str
    text: str


class ArticleLine(AnswerBody):
    """An article in the list."""

    code: str
    title: str
    link: str


class ArticleAnswer(AnswerBody):
    """An article, in Markdown."""

    code: str
    title: str
    passages: tuple[PassageAnswer, ...]
    source: str
    sub_category: str | None


class ArticlesAnswer(AnswerBody):
    """All the articles."""

    articles: tuple[ArticleLine, ...]


def create_agent_router(agent: VirtualAgent, conversations: Conversations) -> APIRouter:
    """Build the routes of conversations."""
    router = APIRouter(
        route_class=DescribedRoute, prefix="/agent/conversations", tags=["agent virtuel"]
    )
    own = Annotated[Conversation, Depends(_build_conversation_finder(conversations))]

    @router.post("", status_code=201, summary="Commencer une conversation.")
    async def begin(who: MaybeAsker, request: Request, response: Response) -> OpenedAnswer:
        opened = await agent.start_conversation(who, read_address(request))
        if isinstance(opened, Violation):
            raise too_many_requests(opened)
        conversation = opened.conversation
        response.headers["Location"] = public_path(
            "support", "agent", "conversations", conversation.id
        )
        shown = ConversationAnswer.of(conversation)
        return OpenedAnswer(**shown.model_dump(), token=opened.token)

    @router.get("/{conversation_id}", summary="Relire une conversation.")
    async def read(conversation: own) -> ConversationAnswer:
        return ConversationAnswer.of(conversation)

    @router.post("/{conversation_id}/messages", summary="Poser une question.")
    async def say(
        conversation: own,
        body: MessageBody,
        request: Request,
    ) -> ReplyAnswer:
        outcome = await agent.answer(conversation, body.text, read_address(request))
        if outcome is None:
            raise not_found("Conversation")
        if not isinstance(outcome, Turn):
            raise _build_problem(outcome)
        return await _build_reply(agent, conversation, outcome)

    @router.get("/{conversation_id}/ticket", summary="Un ticket prérempli avec la conversation.")
    async def ticket(conversation: own, request: Request) -> PrefillAnswer:
        outcome = await agent.prefill_ticket(conversation, read_address(request))
        if isinstance(outcome, Violation):
            raise too_many_requests(outcome)
        return _show_prefill(outcome)

    return router


def create_articles_router(articles: Mapping[str, Article]) -> APIRouter:
    """Build the routes of articles, which need no account."""
    router = APIRouter(route_class=DescribedRoute, prefix="/articles", tags=["agent virtuel"])
    listed = ArticlesAnswer(
        articles=tuple(
            ArticleLine(
                code=each.code, title=each.title, link=public_path("support", "articles", each.code)
            )
            for each in articles.values()
        )
    )

    @router.get("", summary="Les articles de l'assistance.")
    async def all_of_them() -> ArticlesAnswer:
        return listed

    @router.get("/{code}", summary="Lire un article.")
    async def read(code: Id) -> ArticleAnswer:
        article = articles.get(code)
        if article is None:
            raise not_found("Article")
        return ArticleAnswer.model_validate(article)

    return router


def _build_conversation_finder(
    conversations: Conversations,
) -> Callable[..., Awaitable[Conversation]]:
    """Build the dependency that finds the caller's own conversation, or answers 404."""

    async def owned(
        who: MaybeAsker,
        conversation_id: Id,
        x_conversation_token: Annotated[Token, Header()] = "",
    ) -> Conversation:
        if who is None:
            token = hash_token(x_conversation_token)
            conversation = await conversations.find_by_token(conversation_id, token)
        else:
            conversation = await conversations.find(conversation_id)
        if conversation is None or conversation.asker != who:
            raise not_found("Conversation")
        return conversation

    return owned


async def _build_reply(agent: VirtualAgent, conversation: Conversation, turn: Turn) -> ReplyAnswer:
    shown = TurnAnswer.of(turn).model_dump()
    if turn.kind not in KINDS_OFFERING_HELP:
        return ReplyAnswer(**shown)
    return ReplyAnswer(
        **shown,
        person=PersonAnswer.model_validate(agent.find_availability()),
        ticket=_show_prefill(await agent.build_prefill((*conversation.turns, turn))),
    )


def _show_prefill(prefill: Prefill) -> PrefillAnswer:
    return PrefillAnswer.model_validate(prefill)


def _build_problem(violations: tuple[Violation, ...]) -> Problem:
    (first, *_) = violations
    if first.code == agent_rules.TOO_MANY_CONVERSATIONS.code:
        return too_many_requests(first)
    if first.code == agent_rules.CONVERSATION_FULL.code:
        return refused(violations, 409)
    return refused(violations)
