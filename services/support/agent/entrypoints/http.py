"""HTTP routes of the virtual agent and of its articles, with or without an account."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Annotated

from fastapi import APIRouter, Depends, Header, Request, Response

from services.support.access.application.tokens import hash_token
from services.support.access.entrypoints.authentication import MaybeAsker
from services.support.access.entrypoints.rate_limits import build_too_many_requests
from services.support.access.entrypoints.requests import Id, Token
from services.support.agent.application.ports import Conversations, StoredTurn
from services.support.agent.application.virtual_agent import VirtualAgent
from services.support.agent.domain import rules as agent_rules
from services.support.agent.domain.articles import Article
from services.support.agent.domain.conversation import KINDS_OFFERING_HELP, Conversation
from services.support.agent.entrypoints.answers import (
    ArticleAnswer,
    ArticleLineAnswer,
    ArticlesAnswer,
    ConversationAnswer,
    OpenedAnswer,
    PersonAnswer,
    ReplyAnswer,
    TurnAnswer,
)
from services.support.agent.entrypoints.requests import MessageRequest
from services.support.tickets.domain.prefill import Prefill
from services.support.tickets.entrypoints.answers import PrefillAnswer
from shared.contracts.public_paths import build_public_path
from shared.runtime.web.addresses import read_address
from shared.runtime.web.caller import MaybeWho
from shared.runtime.web.idempotency import IdempotencyKey, mark_replay
from shared.runtime.web.problems import Problem, build_not_found, build_refused
from shared.runtime.web.request_validation import DescribedRoute
from shared.vocabulary.rules import Violation


def create_agent_router(agent: VirtualAgent, conversations: Conversations) -> APIRouter:
    """Build the routes of conversations."""
    router = APIRouter(
        route_class=DescribedRoute, prefix="/agent/conversations", tags=["agent virtuel"]
    )
    own = Annotated[Conversation, Depends(_build_conversation_finder(conversations))]

    @router.post("", status_code=201, summary="Commencer une conversation.")
    async def start_conversation(
        who: MaybeAsker, request: Request, response: Response
    ) -> OpenedAnswer:
        opened = await agent.start_conversation(who, read_address(request))
        if isinstance(opened, Violation):
            raise build_too_many_requests(opened)
        conversation = opened.conversation
        response.headers["Location"] = build_public_path(
            "support", "agent", "conversations", conversation.id
        )
        shown = ConversationAnswer.of(conversation)
        return OpenedAnswer(**shown.model_dump(), token=opened.token)

    @router.get("/{conversation_id}", summary="Relire une conversation.")
    async def read_conversation(conversation: own) -> ConversationAnswer:
        return ConversationAnswer.of(conversation)

    @router.post("/{conversation_id}/messages", summary="Poser une question.")
    async def send_message(
        conversation: own,
        by: MaybeWho,
        body: MessageRequest,
        request: Request,
        response: Response,
        idempotency_key: IdempotencyKey = None,
    ) -> ReplyAnswer:
        outcome = await agent.answer(
            conversation, body.text, read_address(request), idempotency_key, by
        )
        if outcome is None:
            raise build_not_found("Conversation")
        if not isinstance(outcome, StoredTurn):
            raise _build_problem(outcome)
        mark_replay(response, is_replay=outcome.is_replay)
        return await _build_reply(agent, outcome)

    @router.get("/{conversation_id}/ticket", summary="Un ticket prérempli avec la conversation.")
    async def prefill_ticket_from_conversation(
        conversation: own, request: Request
    ) -> PrefillAnswer:
        outcome = await agent.prefill_ticket(conversation, read_address(request))
        if isinstance(outcome, Violation):
            raise build_too_many_requests(outcome)
        return _show_prefill(outcome)

    return router


def create_articles_router(articles: Mapping[str, Article]) -> APIRouter:
    """Build the routes of articles, which need no account."""
    router = APIRouter(route_class=DescribedRoute, prefix="/articles", tags=["agent virtuel"])
    listed = ArticlesAnswer(
        articles=tuple(
            ArticleLineAnswer(
                code=each.code,
                title=each.title,
                link=build_public_path("support", "articles", each.code),
            )
            for each in articles.values()
        )
    )

    @router.get("", summary="Les articles de l'assistance.")
    async def list_articles() -> ArticlesAnswer:
        return listed

    @router.get("/{code}", summary="Lire un article.")
    async def read_article(code: Id) -> ArticleAnswer:
        article = articles.get(code)
        if article is None:
            raise build_not_found("Article")
        return ArticleAnswer.model_validate(article)

    return router


def _build_conversation_finder(
    conversations: Conversations,
) -> Callable[..., Awaitable[Conversation]]:
    """Build the dependency that finds the caller's own conversation, or answers 404."""

    async def find_own(
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
            raise build_not_found("Conversation")
        return conversation

    return find_own


async def _build_reply(agent: VirtualAgent, stored: StoredTurn) -> ReplyAnswer:
    turn = stored.turn
    shown = TurnAnswer.of(turn).model_dump()
    if turn.kind not in KINDS_OFFERING_HELP:
        return ReplyAnswer(**shown)
    return ReplyAnswer(
        **shown,
        person=PersonAnswer.model_validate(agent.find_availability()),
        ticket=_show_prefill(await agent.build_prefill((*stored.before, turn))),
    )


def _show_prefill(prefill: Prefill) -> PrefillAnswer:
    return PrefillAnswer.model_validate(prefill)


def _build_problem(violations: tuple[Violation, ...]) -> Problem:
    (first, *_) = violations
    if first.code == agent_rules.TOO_MANY_CONVERSATIONS.code:
        return build_too_many_requests(first)
    if first.code == agent_rules.CONVERSATION_FULL.code:
        return build_refused(violations, 409)
    return build_refused(violations)
