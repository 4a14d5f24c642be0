"""Export and erasure of a person in the real store of notification, by the commands."""

import asyncio
import json
from dataclasses import replace
from datetime import UTC, datetime

from typer.testing import CliRunner, Result

from services.notification.__main__ import app
from services.notification.subscriptions.adapters.mongo import SUBSCRIPTIONS
from services.notification.subscriptions.domain.subscription import Channel, Subscription, Terms
from shared.application.mail import Mail
from shared.runtime.clock import build_clock
from shared.runtime.mail.queue import MailQueue
from shared.runtime.store.database import Store, Transaction
from shared.vocabulary.actors import Actor
from shared.vocabulary.levels import WRITE_LEVEL
from shared.vocabulary.roles import Role
from tests.kit.namespaces import Namespace

CLAIRE, PAUL = "claire.durand@exemple.fr", "paul.martin@exemple.fr"
SENT = Subscription(
    id="a1",
    owner="p1",
    actor=Actor(Role.MOA, "90000000300013"),
    channel=Channel.MAIL,
    terms=Terms("Claire.Durand@exemple.fr", contact=PAUL),
    created_at=datetime(2026, 12, 1, 9, tzinfo=UTC),
)
TOLD = replace(
    SENT, id="a2", channel=Channel.WEBHOOK, terms=Terms("https://si.exemple.fr/", contact=CLAIRE)
)
OTHER = replace(SENT, id="a3", terms=Terms(f"anne-{CLAIRE}"))


async def fill(store: Store) -> None:
    """Store subscriptions that concern Claire, and one that does not; mails, and a delivery."""
    rows = store.collection(SUBSCRIPTIONS.collection)
    for each in (SENT, TOLD, OTHER):
        await rows.insert_one({**SUBSCRIPTIONS.write(each, WRITE_LEVEL), "_id": each.id})
        delivery = {"_id": f"{each.id}|d|1", "subscription": each.id}
        await store.collection("deliveries").insert_one(delivery)

    async def queue(transaction: Transaction) -> None:
        for to in (CLAIRE, OTHER.terms.target):
            await MailQueue(build_clock()).queue(transaction, Mail(to, "Sujet", "Bonjour\n"))

    await store.transaction(queue)


async def run(namespace: Namespace, *arguments: str) -> Result:
    """Run a command as an operator does; it has an event loop of its own."""
    environment = {
        "AIGUILLAGE_MONGO": namespace.platform.addresses.mongo,
        "AIGUILLAGE_NAMESPACE": namespace.prefix,
    }
    return await asyncio.to_thread(
        lambda: CliRunner().invoke(app, list(arguments), env=environment)
    )


async def dump(store: Store) -> str:
    """Show the whole store as a text."""
    names: list[str] = await store.db.list_collection_names()
    return repr([await store.collection(name).find().to_list(None) for name in sorted(names)])


async def test_what_is_kept_of_an_address_is_exported_without_those_of_others(
    namespace: Namespace,
) -> None:
    async with namespace.store("notification") as store:
        await fill(store)

    done = await run(namespace, "export-person", "CLAIRE.durand@exemple.fr")

    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    assert [(each["subscription_id"], each["as"]) for each in found["subscriptions"]] == [
        ("a1", "recipient"),
        ("a2", "contact"),
    ]
    assert found["mails_that_wait"] == ["Sujet"]
    assert PAUL not in done.stdout
    assert "anne" not in done.stdout


async def test_an_address_is_erased_and_what_is_of_others_stays(namespace: Namespace) -> None:
    async with namespace.store("notification") as store:
        await fill(store)

        first = await run(namespace, "erase-person", CLAIRE)
        again = await run(namespace, "erase-person", CLAIRE)

        rows = await store.collection(SUBSCRIPTIONS.collection).find().sort("_id", 1).to_list(None)
        left = [SUBSCRIPTIONS.read(row) for row in rows]
        logs = await store.collection("deliveries").find().to_list(None)
        text = (await dump(store)).replace(OTHER.terms.target, "")

    assert first.stdout == (
        "1 subscriptions by e-mail with their logs, 1 contacts of others, 1 mails that waited\n"
    )
    assert again.stdout.startswith("0 subscriptions by e-mail with their logs, 0 contacts")
    assert left == [replace(TOLD, terms=replace(TOLD.terms, contact=None)), OTHER]
    assert [each["subscription"] for each in logs] == ["a2", "a3"]
    assert CLAIRE not in text.casefold()


async def test_what_is_no_address_is_refused(namespace: Namespace) -> None:
    for command in ("export-person", "erase-person"):
        assert (await run(namespace, command, "claire")).exit_code == 2
