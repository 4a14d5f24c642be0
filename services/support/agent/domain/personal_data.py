"""Erasure of a person's address from a conversation with the virtual agent."""

from dataclasses import replace

from services.support.access.domain.personal_data import Person
from services.support.agent.domain.conversation import Conversation, Turn


def is_about(conversation: Conversation, person: Person) -> bool:
    """Tell whether a conversation names the address of a person."""
    return any(
        person.is_address(each.email) or person.is_in(each.message, each.answer)
        for each in conversation.turns
    )


def erase_person(conversation: Conversation, person: Person) -> Conversation:
    """Erase the address of a person."""
    return replace(
        conversation, turns=tuple(_erase_turn(each, person) for each in conversation.turns)
    )


def _erase_turn(turn: Turn, person: Person) -> Turn:
    return replace(
        turn,
        message=person.redact(turn.message),
        answer=person.redact(turn.answer),
        email=None if person.is_address(turn.email) else turn.email,
    )
