"""Ports of the virtual agent: article search, tracking of pieces, store of conversations."""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from services.support.access.application.ports import Clock, RateLimit
from services.support.access.application.rate_limits import AnonymousLimits
from services.support.agent.domain.articles import Article
from services.support.agent.domain.conversation import Conversation, Turn
from services.support.agent.domain.piece_status import TrackedPiece
from services.support.agent.domain.search_hits import SearchHit
from services.support.desks.domain.hours import OpeningHours
from services.support.suggestions.application.ports import Suggester
from shared.application.idempotency import Key, UsedKey
from shared.contracts.outgoing import Outgoing
from shared.rights.model import Requester
from shared.vocabulary.rules import Violation


@dataclass(frozen=True, slots=True)
class StoredTurn:
    """A turn that was stored, now or by the same request sent before."""

    turn: Turn
    before: tuple[Turn, ...]
    """The turns before it."""
    is_replay: bool = False


TurnOutcome = StoredTurn | Violation | None
"""Outcome of a turn: stored, refused, or None when the conversation is gone."""


class ArticleFinder(Protocol):
    """Port of the full-text search of articles."""

    def search(self, question: str) -> Sequence[SearchHit]:
        """Find the articles closest to a question, best first."""


class TrackingUnavailableError(Exception):
    """The portal does not answer."""


class PieceTracking(Protocol):
    """Port of the portal, which tracks pieces with the token of the caller."""

    async def find_pieces(self, by: Requester, number: str) -> Sequence[TrackedPiece]:
        """Find the pieces with a number. Raises TrackingUnavailableError."""


class ConversationChange(Protocol):
    """One transaction over a conversation and the messages it publishes."""

    async def load(self, conversation: str) -> Conversation | None:
        """Read a conversation."""

    async def save(self, conversation: Conversation) -> None:
        """Write the new version of a conversation."""

    async def find_key_use(self, key: Key | None) -> UsedKey | None:
        """Find what an idempotency key was used for; None without a key."""

    async def record_key_use(self, key: Key | None, rank: str) -> None:
        """Record the rank of the turn that an idempotency key was used for; nothing without one."""

    def publish(self, message: Outgoing) -> None:
        """Publish a message through the outbox, when the transaction commits."""


class Conversations(Protocol):
    """Store of conversations."""

    async def insert(self, conversation: Conversation, token_hash: str | None) -> None:
        """Store a new conversation, with the hash of the token that stands for an account."""

    async def find(self, conversation: str) -> Conversation | None:
        """Read a conversation."""

    async def find_by_token(self, conversation: str, token_hash: str) -> Conversation | None:
        """Read a conversation without an account by the hash of its token."""

    async def change(
        self, work: Callable[[ConversationChange], Awaitable[TurnOutcome]]
    ) -> TurnOutcome:
        """Run `work` in a transaction; it may run several times."""


@dataclass(frozen=True, slots=True)
class AgentPorts:
    """Dependencies of the virtual agent."""

    conversations: Conversations
    articles: Mapping[str, Article]
    sub_categories: Collection[str]
    """Codes of the catalogue: a prefilled ticket has no other."""
    finder: ArticleFinder
    tracking: PieceTracking
    suggester: Suggester
    messages: RateLimit
    """Rate limit of messages without an account, by network address."""
    links: AnonymousLimits
    """Rate limits of activation links, by e-mail address and by network address."""
    hours: OpeningHours
    clock: Clock
    new_id: Callable[[], str]
