"""Ports of the virtual agent: article search, tracking of pieces, store of conversations."""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from services.support.agent.domain.articles import Article
from services.support.agent.domain.conversation import Conversation, Turn
from services.support.agent.domain.piece_status import Tracked
from services.support.agent.domain.search_hits import Found
from services.support.desks.application.ports import Clock, Rate
from services.support.desks.application.rate_limits import Limits
from services.support.desks.domain.hours import Hours
from services.support.desks.domain.parties import Asker
from services.support.suggestions.application.ports import Suggester
from shared.contracts.outgoing import Outgoing
from shared.vocabulary.rules import Violation

Kept = Turn | Violation | None
"""What comes of a turn: kept, refused, or without a conversation to keep it in."""


class Answers(Protocol):
    """Where articles are found."""

    def search(self, question: str) -> Sequence[Found]:
        """Find the articles that are closest to a question, best first."""


class TrackingAwayError(Exception):
    """The portal does not answer."""


class Tracking(Protocol):
    """Where pieces are looked up, as the one who asks."""

    async def find(self, asker: Asker, number: str) -> Sequence[Tracked]:
        """Find the pieces of a number. Raises TrackingAwayError."""


class Talk(Protocol):
    """One transaction over a conversation."""

    async def load(self, conversation: str) -> Conversation | None:
        """Read a conversation."""

    async def save(self, conversation: Conversation) -> None:
        """Write a conversation anew."""

    def publish(self, message: Outgoing) -> None:
        """Say a message when the turn is kept."""


class Conversations(Protocol):
    """All the conversations."""

    async def insert(self, conversation: Conversation, token_hash: str | None) -> None:
        """Keep a new conversation; `token_hash` is of what continues it without an account."""

    async def find(self, conversation: str) -> Conversation | None:
        """Read a conversation."""

    async def of_token(self, conversation: str, token_hash: str) -> Conversation | None:
        """Read a conversation by what continues it without an account."""

    async def change(self, work: Callable[[Talk], Awaitable[Kept]]) -> Kept:
        """Run `work` in a transaction; it may run several times."""


@dataclass(frozen=True, slots=True)
class AgentPorts:
    """All that the virtual agent needs."""

    conversations: Conversations
    articles: Mapping[str, Article]
    sub_categories: Collection[str]
    """Codes of the catalogue: a ticket is begun with no other."""
    answers: Answers
    tracking: Tracking
    suggester: Suggester
    messages: Rate
    """Messages without an account, by network address."""
    links: Limits
    """Requests for an activation link, by e-mail address and by network address."""
    hours: Hours
    clock: Clock
    new_id: Callable[[], str]
