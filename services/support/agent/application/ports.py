"""Ports of the virtual agent: article search, tracking of pieces, store of conversations."""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from services.support.agent.domain.articles import Article
from services.support.agent.domain.conversation import Conversation, Turn
from services.support.agent.domain.piece_status import TrackedPiece
from services.support.agent.domain.search_hits import SearchHit
from services.support.desks.application.ports import Clock, RateLimit
from services.support.desks.application.rate_limits import AnonymousLimits
from services.support.desks.domain.hours import OpeningHours
from services.support.desks.domain.parties import Asker
from services.support.suggestions.application.ports import Suggester
from shared.contracts.outgoing import Outgoing
from shared.vocabulary.rules import Violation

TurnOutcome = Turn | Violation | None
"""What comes of a turn: kept, refused, or without a conversation to keep it in."""


class ArticleFinder(Protocol):
    """Where articles are found."""

    def search(self, question: str) -> Sequence[SearchHit]:
        """Find the articles that are closest to a question, best first."""


class TrackingUnavailableError(Exception):
    """The portal does not answer."""


class PieceTracking(Protocol):
    """Where pieces are looked up, as the one who asks."""

    async def find_pieces(self, asker: Asker, number: str) -> Sequence[TrackedPiece]:
        """Find the pieces of a number. Raises TrackingAwayError."""


class ConversationChange(Protocol):
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

    async def find_by_token(self, conversation: str, token_hash: str) -> Conversation | None:
        """Read a conversation by what continues it without an account."""

    async def change(
        self, work: Callable[[ConversationChange], Awaitable[TurnOutcome]]
    ) -> TurnOutcome:
        """Run `work` in a transaction; it may run several times."""


@dataclass(frozen=True, slots=True)
class AgentPorts:
    """All that the virtual agent needs."""

    conversations: Conversations
    articles: Mapping[str, Article]
    sub_categories: Collection[str]
    """Codes of the catalogue: a ticket is begun with no other."""
    finder: ArticleFinder
    tracking: PieceTracking
    suggester: Suggester
    messages: RateLimit
    """Messages without an account, by network address."""
    links: AnonymousLimits
    """Requests for an activation link, by e-mail address and by network address."""
    hours: OpeningHours
    clock: Clock
    new_id: Callable[[], str]
