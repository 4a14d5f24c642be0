"""What the virtual agent answers and begins tickets with, over a store in memory."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from itertools import count

from services.support.access.application.rate_limits import AnonymousLimits
from services.support.access.domain.parties import Asker
from services.support.agent.application.ports import (
    AgentPorts,
    ConversationChange,
    StoredTurn,
    TurnOutcome,
)
from services.support.agent.application.virtual_agent import VirtualAgent
from services.support.agent.domain.conversation import AnswerKind, Conversation, Turn
from services.support.agent.domain.piece_status import TrackedPiece
from services.support.agent.domain.search_hits import SearchHit
from services.support.desks.domain.hours import OpeningHours
from services.support.suggestions.domain.suggestions import READ_LIMIT, Suggestions
from shared.application.idempotency import Key, UsedKey
from shared.contracts.outgoing import Outgoing
from shared.rights.model import Requester
from shared.vocabulary.roles import Role
from shared.vocabulary.rules import Violation
from tests.kit.fake_access import build_requester

NOON = datetime(2026, 11, 24, 11, tzinfo=UTC)
ADDRESS = "192.0.2.1"
SOMEBODY = Asker("90000000000014", Role.TITULAIRE)


@dataclass
class Memory:
    """Conversations, and what is told of them."""

    kept: dict[str, Conversation] = field(default_factory=dict)
    said: list[Outgoing] = field(default_factory=list)
    used: dict[str, UsedKey] = field(default_factory=dict)

    async def insert(self, conversation: Conversation, token_hash: str | None) -> None:
        assert (token_hash is None) == (conversation.asker is not None)
        self.kept[conversation.id] = conversation

    async def find(self, conversation: str) -> Conversation | None:
        return self.kept.get(conversation)

    async def find_by_token(self, conversation: str, token_hash: str) -> Conversation | None:
        return self.kept.get(conversation) if token_hash else None

    async def change(
        self, work: Callable[[ConversationChange], Awaitable[TurnOutcome]]
    ) -> TurnOutcome:
        return await work(self)

    async def load(self, conversation: str) -> Conversation | None:
        return self.kept.get(conversation)

    async def save(self, conversation: Conversation) -> None:
        self.kept[conversation.id] = conversation

    async def find_key_use(self, key: Key | None) -> UsedKey | None:
        return self.used.get(key.id) if key else None

    async def record_key_use(self, key: Key | None, rank: str) -> None:
        if key:
            self.used[key.id] = UsedKey(key.fingerprint, rank)

    def publish(self, message: Outgoing) -> None:
        self.said.append(message)


class Silent:
    """Finds no article and no piece, and notes what it is asked about a text."""

    def __init__(self) -> None:
        self.lengths: list[int] = []

    def search(self, question: str) -> Sequence[SearchHit]:
        assert question
        return ()

    async def find_pieces(self, by: Requester, number: str) -> Sequence[TrackedPiece]:
        assert by.structure
        assert number
        return ()

    async def suggest(self, title: str, description: str) -> Suggestions:
        self.lengths.append(len(title) + len(description))
        return Suggestions()


@dataclass
class Counted:
    """Counts whoever comes as one."""

    an_hour: int
    come: int = 0

    async def count_request(self, who: str) -> bool:
        assert who
        self.come += 1
        return self.come > self.an_hour


@dataclass
class Room:
    """An agent, and all that it uses."""

    memory: Memory
    silent: Silent
    agent: VirtualAgent

    async def talk(self, *messages: str, asker: Asker | None = SOMEBODY) -> list[Turn]:
        opened = await self.agent.start_conversation(asker, ADDRESS)
        assert not isinstance(opened, Violation)
        by = build_requester(asker.structure, asker.role) if asker else None
        for each in messages:
            (conversation,) = (self.memory.kept[opened.conversation.id],)
            said = await self.agent.answer(conversation, each, ADDRESS, by=by)
            assert isinstance(said, StoredTurn), said
        return [*self.memory.kept[opened.conversation.id].turns]


def a_room(*sub_categories: str, messages: int = 1000) -> Room:
    memory, silent, ids = Memory(), Silent(), count()
    ports = AgentPorts(
        conversations=memory,
        articles={},
        sub_categories=sub_categories,
        finder=silent,
        tracking=silent,
        suggester=silent,
        messages=Counted(messages),
        links=AnonymousLimits(Counted(1000), Counted(1000)),
        hours=OpeningHours(),
        clock=lambda: NOON,
        new_id=lambda: f"id-{next(ids)}",
    )
    return Room(memory, silent, VirtualAgent(ports))


async def test_a_request_is_passed_on_for_the_address_that_was_confirmed() -> None:
    room = a_room("ACTIVATION")

    turns = await room.talk(
        "lien d'activation pour a@x.fr", "non, pour b@x.fr", "oui", "oui", "lien d'activation"
    )

    assert [each.kind for each in turns] == [
        AnswerKind.ACTIVATION_CONFIRMS,
        AnswerKind.ACTIVATION_CONFIRMS,
        AnswerKind.ACTIVATION_PASSED,
        AnswerKind.UNSURE,
        AnswerKind.ACTIVATION_REFUSED,
    ]
    assert "b@x.fr" in turns[1].answer
    assert [each.payload.model_dump()["email"] for each in room.memory.said] == ["b@x.fr"]


async def test_a_yes_that_names_the_address_confirms_that_one_alone() -> None:
    room = a_room("ACTIVATION")

    turns = await room.talk(
        "lien d'activation pour a@x.fr", "oui, pour b@x.fr", "oui, pour B@x.fr, merci"
    )

    assert [each.kind for each in turns[1:]] == [
        AnswerKind.ACTIVATION_CONFIRMS,
        AnswerKind.ACTIVATION_PASSED,
    ]
    assert [each.payload.model_dump()["email"] for each in room.memory.said] == ["b@x.fr"]


async def test_nothing_is_passed_on_without_a_yes() -> None:
    room = a_room("ACTIVATION")

    await room.talk("lien d'activation pour a@x.fr", "non", "oui")
    await room.talk("lien d'activation pour a@x.fr", "c'est où ?", "oui")
    await room.talk("je ne veux surtout pas de lien d'activation pour a@x.fr", "oui")
    await room.talk("J'ai reçu un mail de a@x.fr sur l'activité du chantier", "oui")
    await room.talk("lien d'activation pour a@x.fr", "merci")

    assert room.memory.said == []


async def test_a_ticket_begins_with_no_sub_category_that_an_operator_took_away() -> None:
    messages = ("où en est ma facture EAV-2026-014 ?", "lien d'activation", "je veux un ticket")

    own, replaced = a_room("SUIVI", "ACTIVATION"), a_room("AUTRE")

    assert {each.sub_category for each in await own.talk(*messages)} == {
        "SUIVI",
        "ACTIVATION",
        None,
    }
    turns = await replaced.talk(*messages)
    assert {each.sub_category for each in turns} == {None}
    assert (await replaced.agent.build_prefill(turns)).sub_category is None


async def test_as_much_of_a_conversation_is_read_as_says_what_it_is_about() -> None:
    room = a_room()
    (turn,) = await room.talk("bla " * 200)

    await room.agent.build_prefill([replace(turn)] * 100)

    (length,) = room.silent.lengths
    assert length <= READ_LIMIT + 150


async def test_tickets_without_an_account_are_counted_as_messages_are() -> None:
    room = a_room(messages=2)
    opened = await room.agent.start_conversation(None, ADDRESS)
    assert not isinstance(opened, Violation)

    first, second = [
        await room.agent.prefill_ticket(opened.conversation, ADDRESS) for _ in range(2)
    ]

    assert not isinstance(first, Violation)
    assert isinstance(second, Violation)
    assert second.code == "SUP-AGENT-02"


async def test_a_message_sent_again_with_its_key_is_one_turn() -> None:
    room = a_room()
    opened = await room.agent.start_conversation(SOMEBODY, ADDRESS)
    assert not isinstance(opened, Violation)

    async def ask(text: str, key: str) -> object:
        conversation = room.memory.kept[opened.conversation.id]
        return await room.agent.answer(conversation, text, ADDRESS, key)

    first = await ask("Bonjour", "a")
    second = await ask("Où en est SIT-3 ?", "b")
    again = await ask("Bonjour", "a")
    other = await ask("Autre chose", "a")

    turns = room.memory.kept[opened.conversation.id].turns
    assert [each.message for each in turns] == ["Bonjour", "Où en est SIT-3 ?"]
    assert first == StoredTurn(turns[0], ())
    assert second == StoredTurn(turns[1], turns[:1])
    assert again == StoredTurn(turns[0], (), is_replay=True)
    assert isinstance(other, tuple)
    assert [each.code for each in other] == ["SUP-CLE-01"]
