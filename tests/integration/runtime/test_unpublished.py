"""The operator's commands, for what is not published and for many dead letters at once."""

import pytest
from typer.testing import CliRunner, Result

from shared.contracts.outgoing import Outgoing
from shared.contracts.topics import STRUCTURE
from shared.runtime.messaging import dead_letters, unpublished
from shared.runtime.messaging.inbox import Inbox
from shared.runtime.store.database import Document, Store, Transaction
from tests.integration.runtime.test_malformed import keep
from tests.integration.runtime.test_outbox import say
from tests.kit.events import NOTES, NOW, Noted, a_record
from tests.kit.namespaces import Room


@pytest.fixture
def options(room: Room) -> list[str]:
    mongo = room.platform.addresses.mongo
    return ["--mongo", mongo, "--service", "essai", "--namespace", room.namespace]


def told(app: object, *words: str) -> Result:
    return CliRunner().invoke(app, words)  # type: ignore[arg-type]


async def rows(store: Store) -> list[Document]:
    return await store.collection("outbox").find().sort("_id", 1).to_list(None)


async def test_an_abandoned_message_leaves_its_rank_to_an_empty_one(
    store: Store, options: list[str]
) -> None:
    await say(store, d1=2)
    first, second = await rows(store)

    listed = told(unpublished.app, *options, "list")
    done = told(unpublished.app, *options, "abandon", first["_id"])

    assert first["_id"] in listed.output
    assert second["_id"] in listed.output
    assert done.exit_code == 0, done.output
    left = await rows(store)
    assert left[1] == second
    inbox = Inbox(store, NOTES, keep, lambda: NOW)
    await inbox.prepare()
    await inbox.process([a_record(row["value"], offset=at) for at, row in enumerate(left)])
    (kept,) = await store.collection("kept").find().to_list(None)
    assert kept["text"] == "d1/2"


async def test_an_abandoned_state_goes_and_leaves_the_one_before_it(
    store: Store, options: list[str]
) -> None:
    async def work(transaction: Transaction) -> None:
        transaction.publish(Outgoing(STRUCTURE, "s1", "s1", Noted(text="x", version=7), "c"))
        transaction.publish_raw(NOTES.dead_letters, "d1", b"{", {})

    await store.transaction(work)

    for row in await rows(store):
        assert told(unpublished.app, *options, "abandon", row["_id"]).exit_code == 0

    assert await rows(store) == []
    assert "all is published" in told(unpublished.app, *options, "list").output
    assert told(unpublished.app, *options, "abandon", "absent").exit_code != 0


async def test_many_dead_letters_are_discarded_by_one_command(
    store: Store, options: list[str]
) -> None:
    inbox = Inbox(store, NOTES, keep, lambda: NOW)
    await inbox.prepare()
    await inbox.process([a_record(b"{", key=f"d{at}", offset=at) for at in range(30)])
    dead = [entry["_id"] async for entry in store.collection("inbox").find()]

    of_two = told(dead_letters.app, *options, "discard", *dead[:2], "--rank", "1")
    beyond = told(dead_letters.app, *options, "discard", dead[0], "--rank", str(2**64))
    done = told(dead_letters.app, *options, "discard", *dead)
    await inbox.sweep()

    assert of_two.exit_code != 0
    assert beyond.exit_code != 0
    assert done.exit_code == 0, done.output
    assert await store.collection("inbox").count_documents({"state": "discarded"}) == 30
    assert "no dead letter" in told(dead_letters.app, *options, "list").output
