"""Export and erasure of a person in the real store of support, by the commands of an operator."""

import asyncio
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from services.support.__main__ import app
from services.support.access.domain.parties import Issuer
from services.support.agent.adapters.mongo import MongoConversations
from services.support.agent.domain.conversation import AnswerKind, Conversation, Turn
from services.support.chat.adapters.mongo import MongoChats
from services.support.chat.domain.chat import Chat, ChatUpdate, Line, LineKind, Queue
from services.support.tickets.adapters.mongo import MongoTickets
from services.support.tickets.domain.tickets import Content, JournalEntry, Ticket
from shared.application.idempotency import Key
from shared.runtime.store.database import Store
from shared.vocabulary.attachments import StoredFile
from shared.vocabulary.tickets import Desk, Side, TicketAct, TicketStatus
from tests.kit.namespaces import Namespace

AT = datetime(2026, 11, 30, 9, 0, tzinfo=UTC)
EMAIL = "claire.durand@exemple.fr"
TYPED = "Claire.Durand@exemple.fr"
OTHER = "eclaire.durand@exemple.fr"
KEPT = timedelta(days=365)
FILE = StoredFile("a" * 64, 12, "piece.pdf", "application/pdf")


def build_ticket(ticket_id: str, issuer: Issuer, text: str) -> Ticket:
    entry = JournalEntry(
        act=TicketAct.DEPOSER,
        by=Side.DEMANDEUR,
        who=issuer.name,
        text=text,
        at=AT,
        status=TicketStatus.DEPOSE,
    )
    return Ticket(
        id=ticket_id,
        version=2,
        issuer=issuer,
        content=Content(sub_category="DEPOT", title="Un titre", description=text),
        status=TicketStatus.DEPOSE,
        number=f"T-2026-{ticket_id}",
        desk=Desk.TECHNIQUE,
        created_at=AT,
        changed_at=AT,
        attachments=(FILE,),
        journal=(entry,),
    )


async def fill(store: Store) -> None:
    """Store what three people have told support."""
    tickets, talks = MongoTickets(store), MongoConversations(store, KEPT)
    chats = MongoChats(store, KEPT)
    for each in (tickets, talks, chats):
        await each.prepare()
    mine = build_ticket("000001", Issuer(email=TYPED), "Je suis Claire Durand.")
    theirs = build_ticket("000002", Issuer(email=OTHER), "Une autre personne.")
    named = build_ticket("000003", Issuer(structure="90000000100017"), f"Voir avec {EMAIL}.")
    keys = {each: Key(f"email:{each}", "cle-1", "f" * 64) for each in (TYPED, OTHER)}

    async def insert(change: Any) -> None:  # noqa: ANN401 - the port of tickets
        await change.insert(mine, "hash-1")
        await change.insert(theirs, "hash-2")
        await change.insert(named)
        for key in keys.values():
            await change.record_key_use(key, mine.id)

    await tickets.change(insert)
    turn = Turn(AT, EMAIL, AnswerKind.ACTIVATION_CONFIRMS, f"Pour {EMAIL} ?", email=EMAIL)
    await talks.insert(Conversation("c-1", AT, turns=(turn,)), "hash-3")
    await talks.insert(Conversation("c-2", AT, turns=(replace(turn, message=OTHER, answer="",
                                                              email=OTHER),)), None)  # fmt: skip
    chat = Chat("chat-1", Queue(Desk.TECHNIQUE), 1, AT, AT, rank=2)
    lines = [
        Line(rank, AT, Side.DEMANDEUR, LineKind.MESSAGE, text)
        for rank, text in ((1, f"Bonjour, {TYPED}"), (2, "Autre chose"))
    ]
    update = ChatUpdate(chat, tuple(lines))
    await chats.change(lambda change: change.insert(update, "adresse|x", None, None))


async def run(namespace: Namespace, *arguments: str) -> Result:
    """Run a command as an operator does; it has an event loop of its own."""
    environment = {
        "AIGUILLAGE_MONGO": namespace.platform.addresses.mongo,
        "AIGUILLAGE_NAMESPACE": namespace.prefix,
    }
    return await asyncio.to_thread(CliRunner(env=environment).invoke, app, list(arguments))


async def dump(store: Store) -> str:
    """Show the whole store as a text."""
    names: list[str] = await store.db.list_collection_names()
    return repr([await store.collection(name).find().to_list(None) for name in sorted(names)])


@pytest.fixture
async def support(namespace: Namespace) -> Store:
    store = namespace.store("support")
    await fill(store)
    return store


async def test_all_that_is_kept_of_a_person_is_exported(
    support: Store, namespace: Namespace
) -> None:
    done = await run(namespace, "export-person", EMAIL)

    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    assert [each["number"] for each in found["tickets"]] == ["T-2026-000001"]
    assert found["tickets"][0]["content"]["description"] == "Je suis Claire Durand."
    assert found["tickets"][0]["attachments"][0]["sha256"] == FILE.sha256
    assert found["tickets_mentioning_it"] == ["T-2026-000003"]
    assert [each["id"] for each in found["conversations"]] == ["c-1"]
    assert [each["text"] for each in found["chat_lines"]] == [f"Bonjour, {TYPED}"]
    assert found["idempotency_keys"] == 1
    assert OTHER not in done.stdout
    assert OTHER in await dump(support)


async def test_an_erased_person_is_nowhere_in_the_store_and_others_stay(
    support: Store, namespace: Namespace
) -> None:
    counted = await run(namespace, "erase-person", EMAIL, "--dry-run")
    assert EMAIL in await dump(support)
    done = await run(namespace, "erase-person", TYPED)
    again = await run(namespace, "erase-person", EMAIL)

    assert (
        counted.stdout
        == done.stdout
        == (
            "1 tickets without account, 1 conversations, 1 lines of chats, 1 idempotency keys; "
            "the address in 1 other tickets\n"
        )
    )
    assert again.stdout.startswith("0 tickets without account, 0 conversations, 0 lines")
    left = (await dump(support)).replace(OTHER, "")
    assert EMAIL not in left.lower()
    assert "Claire Durand" not in left
    tickets = MongoTickets(support)
    mine = await tickets.find("000001")
    assert mine is not None
    assert (mine.files, mine.number, mine.version) == ((), "T-2026-000001", 2)
    assert await tickets.find_by_token("000001", "hash-1") is None
    assert await tickets.find_by_token("000002", "hash-2") is not None
    assert await tickets.find_referenced_files([FILE.sha256]) == {FILE.sha256}
    named = await tickets.find("000003")
    assert named is not None
    assert named.content.description == "Voir avec [effacé]."


@pytest.mark.parametrize("email", ["", ".*", "exemple.fr", "@exemple.fr"])
async def test_less_than_an_address_is_refused(
    support: Store, namespace: Namespace, email: str
) -> None:
    before = await dump(support)
    for command in ("export-person", "erase-person"):
        done = await run(namespace, command, email)
        assert done.exit_code == 2
        assert "Claire" not in done.stdout
    assert await dump(support) == before
