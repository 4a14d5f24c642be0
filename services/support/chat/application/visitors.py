"""Visitors of the chat, and the idempotency key of the chat that each one starts."""

from dataclasses import dataclass

from services.support.access.application.tokens import hash_token
from services.support.access.domain.parties import Asker
from services.support.chat.domain.chat import ChatRequest
from shared.application.idempotency import serialize_request

UNGUESSABLE_KEY_LENGTH = 16
"""Minimum length of the idempotency key of a visitor without an account; a UUID is long enough."""


@dataclass(frozen=True, slots=True)
class Visitor:
    """Visitor of the chat, with or without an account."""

    asker: Asker | None
    address: str

    @property
    def owner(self) -> str:
        """Owner for the limit of open chats: the structure, or the hash of the network address."""
        if self.asker:
            return f"structure|{self.asker.structure}"
        return f"adresse|{hash_token(self.address)}"


def build_start_key(visitor: Visitor, request: ChatRequest) -> str | None:
    """Build the idempotency key of a chat; None when the request has no key, or one too short.

    With a key, a repeated request resumes its chat. Without an account the key must be hard to
    guess, as others share the network address.
    """
    least = 1 if visitor.asker else UNGUESSABLE_KEY_LENGTH
    if len(request.key or "") < least:
        return None
    return hash_token(serialize_request(visitor.owner, visitor.asker, request))
