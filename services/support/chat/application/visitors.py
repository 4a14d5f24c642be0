"""Visitors of the chat, with or without an account, and the key of what they start."""

from dataclasses import dataclass

from services.support.chat.domain.chat import ChatRequest
from services.support.desks.application.tokens import hash_token
from services.support.desks.domain.parties import Asker

UNGUESSABLE_KEY_LENGTH = 16
"""Characters of a key that stands for who has no account: a UUID has more."""


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who comes to the chat, with or without an account."""

    asker: Asker | None
    address: str

    @property
    def owner(self) -> str:
        """Whose chats are counted together; addresses are not kept in clear."""
        if self.asker:
            return f"structure|{self.asker.structure}"
        return f"adresse|{hash_token(self.address)}"


def build_start_key(visitor: Visitor, request: ChatRequest) -> str | None:
    """Identify a beginning, so that it is known when it is sent again; None without a key.

    Without an account others come from the same address: only a key that nobody guesses will do.
    """
    least = 1 if visitor.asker else UNGUESSABLE_KEY_LENGTH
    if len(request.key or "") < least:
        return None
    return hash_token(repr((visitor.owner, visitor.asker, request)))
