"""The operator's commands, for what is not published and for many dead letters at once."""

from collections.abc import Awaitable, Callable

import pytest
from typer.testing import CliRunner, Result

from shared.contracts.envelope import encode
from shared.contracts.outgoing import Outgoing
from shared.contracts.topics import STRUCTURE
from shared.runtime.ids import new_id
from shared.runtime.jobs import failing
from shared.runtime.messaging import dead_letters, unpublished
from shared.runtime.messaging.inbox import Inbox
from shared.runtime.store.database import Store, Transaction
from shared.vocabulary.levels import LEVEL
from tests.integration.runtime.test_malformed import keep
from tests.kit.events import NOTES, NOW, Noted, a_record, an_event
from tests.kit.namespaces import Namespace
from tests.kit.outbox import read_outbox


@pytest.fixture
def options(namespace: Namespace) -> list[str]:
    mongo = namespace.platform.addresses.mongo
    return ["--mongo", mongo, "--service", "essai", "--namespace", namespace.prefix]


def told(app: object, *words: str) -> Result:
    return CliRunner().invoke(app, words)  # type: ignore[arg-type]


async def keep_packed(_: Store) -> None:
    """Leave the outbox as transactions write it."""


async def spread(store: Store) -> None:
    """Write the outbox as an earlier release did: a document a message."""
    rows = [
        {name: each[name] for name in ("topic", "key", "stream", "rank", "value", "headers")}
        for each in await read_outbox(store)
    ]
    await store.collection("outbox").delete_many({})
    await store.collection("outbox").insert_many([{"_id": new_id(), **row} for row in rows])


async def test_a_service_without_the_collection_is_no_service_that_is_not_there(
    store: Store, options: list[str]
) -> None:
    await store.collection("inbox").insert_one({})

    done = told(failing.app, *options, "list")

    assert done.exit_code == 2
    assert "essai has no jobs here" in " ".join(done.output.replace("│", " ").split())


shapes = pytest.mark.parametrize("shape", [keep_packed, spread])
Shape = Callable[[Store], Awaitable[None]]


@shapes
async def test_an_abandoned_message_leaves_its_rank_to_an_empty_one(
    store: Store, options: list[str], shape: Shape
) -> None:
    async def work(transaction: Transaction) -> None:
        for rank in (1, 2):
            note = Noted(text=f"d1/{rank}")
            transaction.publish(Outgoing(NOTES, "d1", "d1", note, "c", "d1", rank))

    await store.transaction(work)
    await shape(store)
    first, second = await read_outbox(store)

    listed = told(unpublished.app, *options, "list")
    done = told(unpublished.app, *options, "abandon", first["id"])

    assert first["id"] in listed.output
    assert second["id"] in listed.output
    assert done.exit_code == 0, done.output
    left = await read_outbox(store)
    assert left[1] == second
    inbox = Inbox(store, NOTES, keep, lambda: NOW)
    await inbox.prepare()
    await inbox.process([a_record(row["value"], offset=at) for at, row in enumerate(left)])
    (kept,) = await store.collection("kept").find().to_list(None)
    assert kept["text"] == "d1/2"


@shapes
async def test_an_abandoned_state_goes_and_leaves_the_one_before_it(
    store: Store, options: list[str], shape: Shape
) -> None:
    async def work(transaction: Transaction) -> None:
        for version in (7, 8):
            state = Noted(text="x", version=version)
            transaction.publish(Outgoing(STRUCTURE, "s1", "s1", state, "c"))
        transaction.publish_raw(NOTES.dead_letters, "d1", b"{", {})

    await store.transaction(work)
    await shape(store)
    first, second, letter = await read_outbox(store)

    assert told(unpublished.app, *options, "abandon", second["id"]).exit_code == 0
    assert await read_outbox(store) == [first, letter]
    for each in (first, letter):
        assert told(unpublished.app, *options, "abandon", each["id"]).exit_code == 0

    assert await store.collection("outbox").count_documents({}) == 0
    assert "all is published" in told(unpublished.app, *options, "list").output
    assert told(unpublished.app, *options, "abandon", first["id"]).exit_code != 0
    assert told(unpublished.app, *options, "abandon", "absent").exit_code != 0


async def test_a_message_of_a_newer_level_is_listed_with_its_level(
    store: Store, options: list[str]
) -> None:
    inbox = Inbox(store, NOTES, keep, lambda: NOW)
    await inbox.prepare()
    newer = an_event("d1", 1).model_copy(update={"level": LEVEL + 1})
    await inbox.process([a_record(encode(newer), key="d1")])

    assert f"newer: level {LEVEL + 1}" in told(dead_letters.app, *options, "list").output


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
