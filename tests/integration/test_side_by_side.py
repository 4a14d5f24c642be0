"""Two versions on one store: an older one keeps what a newer one added, and waits for the rest."""

from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from bson import json_util

from services.deposit.adapters.dossier_projection import DOSSIERS
from services.deposit.adapters.dossier_projection import MongoDossiers as DepositDossiers
from services.deposit.adapters.pieces import MongoPieces
from services.notification.pushes.adapters.fan_out import FanOut
from services.notification.statuses.adapters.mongo import MongoStatuses
from services.notification.statuses.application.history import Scope, Subject
from services.notification.subscriptions.adapters.mongo import MongoSubscriptions
from services.organisation.structures.adapters.mongo import MongoStructures
from services.portal.adapters.pieces import MongoPieces as PortalPieces
from services.portal.domain.criteria import Criteria
from services.routing.adapters.dossiers import JOURNEYS, MongoDossierChange, MongoDossiers
from services.routing.application.router import Router
from services.routing.domain.commands import Treat
from services.routing.entrypoints.consumers import route_pieces
from services.support.agent.adapters.mongo import MongoConversations
from services.support.chat.adapters.mongo import MongoChats
from services.support.chat.domain.chat import ChatUpdate
from services.support.tickets.adapters.mongo import MongoTickets
from shared.circuit import statuses
from shared.circuit.statuses import Act, list_acts
from shared.contracts.deposit_v1 import PieceDeposited
from shared.contracts.envelope import Event, encode
from shared.contracts.organisation_v1 import StructureChanged
from shared.contracts.topics import PIECE_DEPOSEE
from shared.runtime.errors import NewerDocumentError
from shared.runtime.messaging.directory import Directory, keep_structures
from shared.runtime.messaging.inbox import Inbox
from shared.runtime.messaging.parsing import Record
from shared.runtime.store.database import Document, Store, Transaction
from shared.runtime.store.feed import Feed
from shared.runtime.store.files import Files
from shared.vocabulary.actors import Actor
from shared.vocabulary.levels import LEVEL
from shared.vocabulary.roles import Role
from shared.vocabulary.statuses import Status
from tests.kit.events import NOW
from tests.kit.golden import read_golden

STORED = Path(__file__).parents[1] / "contracts" / "golden_stored"
_OPTIONS = json_util.JSONOptions(json_mode=json_util.JSONMode.RELAXED, tz_aware=True)
MOE = Actor(Role.MOE, "90000000200015")
KEPT = timedelta(days=3650)


def load(file: str) -> Any:  # noqa: ANN401 - a document
    text = (STORED / file).read_text(encoding="utf-8")
    return json_util.loads(text, json_options=_OPTIONS)


def novelties(value: object, path: str = "$") -> Iterator[str]:
    """List where a document holds a field of the newer version."""
    if isinstance(value, dict):
        for key, each in value.items():
            yield from [path] if key == "novel" else novelties(each, f"{path}.{key}")
    elif isinstance(value, list):
        for rank, each in enumerate(value):
            yield from novelties(each, f"{path}[{rank}]")


Change = Callable[[Store], Awaitable[object]]


async def _rename_structure(store: Store) -> None:
    async def work(change: Any) -> None:  # noqa: ANN401 - a port of the service
        found = await change.load("90000000300013")
        declared = replace(found.declared, name="Ville de Vaubrun-sur-Mer")
        await change.save(replace(found, version=2, declared=declared))

    await MongoStructures(store, lambda: NOW).change(work)


async def _assign_ticket(store: Store) -> None:
    async def work(change: Any) -> None:  # noqa: ANN401
        found = await change.load("01a228dc-235f-77ee-ac01-76266a17d612")
        await change.save(replace(found, assignee="Camille"))

    await MongoTickets(store).change(work)


async def _reopen_chat(store: Store) -> None:
    async def work(change: Any) -> None:  # noqa: ANN401
        found = await change.load("01a228dc-7816-7233-986e-f5d27f966622")
        await change.save(ChatUpdate(replace(found, agent="Camille")))

    await MongoChats(store, KEPT).change(work)


async def _turn_conversation(store: Store) -> None:
    async def work(change: Any) -> None:  # noqa: ANN401
        found = await change.load("01a228dc-7612-71ce-ba5a-aa125f3ad0f3")
        await change.save(found.with_turn(found.turns[0]))

    await MongoConversations(store, KEPT).change(work)


async def _tell_another_contact(store: Store) -> None:
    async def work(change: Any) -> None:  # noqa: ANN401
        found = await change.load("0197a5c0-0000-7000-8000-00000000a001")
        terms = replace(found.terms, contact="autre@exemple.fr")
        await change.save(replace(found, terms=terms))

    none: Any = None
    await MongoSubscriptions(store, Feed(store, "statuses"), FanOut(lambda: NOW), none).change(work)


_CHANGED: dict[str, tuple[Change, Sequence[str], Callable[[Document], object], object]] = {
    "organisation/structures/1.json": (
        _rename_structure,
        ("$", "$.parameters", "$.services[0]", "$.services[1]"),
        lambda document: (document["name"], document["version"]),
        ("Ville de Vaubrun-sur-Mer", 2),
    ),
    "notification/subscriptions/1.json": (
        _tell_another_contact,
        ("$", "$.health", "$.secrets[0]"),
        lambda document: (document["contact"], document["resume_mark"]),
        ("autre@exemple.fr", 12),
    ),
    "support/tickets/1.json": (
        _assign_ticket,
        ("$", "$.ticket", "$.ticket.content", "$.ticket.issuer", "$.ticket.journal[1]"),
        lambda document: (document["assignee"], document["ticket"]["assignee"]),
        ("Camille", "Camille"),
    ),
    "support/chats/1.json": (
        _reopen_chat,
        ("$", "$.chat", "$.chat.queue", "$.chat.asker"),
        lambda document: document["chat"]["agent"],
        "Camille",
    ),
    "support/conversations/1.json": (
        _turn_conversation,
        ("$", "$.conversation", "$.conversation.turns[0]", "$.conversation.turns[3]"),
        lambda document: len(document["conversation"]["turns"]),
        6,
    ),
}


def add_novelty(document: Document, path: str) -> None:
    """Add a field of the newer version at a path."""
    part: Any = document
    for step in path.replace("[", ".").replace("]", "").split(".")[1:]:
        part = part[int(step) if isinstance(part, list) else step]
    part["novel"] = {"deep": path}


@pytest.mark.parametrize("file", _CHANGED)
async def test_what_a_newer_version_added_outlives_a_change_by_this_one(
    store: Store, file: str
) -> None:
    change, paths, read, expected = _CHANGED[file]
    document = load(file)
    for path in paths:
        add_novelty(document, path)
    collection = store.collection(file.split("/")[1])
    await collection.insert_one(document)

    await change(store)

    (stored,) = await collection.find({"_id": document["_id"]}).to_list(None)
    assert sorted(novelties(stored)) == sorted(paths)
    assert read(stored) == expected
    assert (stored["schema"], stored.get("token", "none")) == (1, document.get("token", "none"))


@pytest.mark.parametrize("file", _CHANGED)
async def test_a_document_of_a_higher_level_is_changed_by_no_version_below_it(
    store: Store, file: str
) -> None:
    document = load(file) | {"schema": LEVEL + 1}
    collection = store.collection(file.split("/")[1])
    await collection.insert_one(document)

    with pytest.raises(NewerDocumentError):
        await _CHANGED[file][0](store)

    assert await collection.find({"_id": document["_id"]}).to_list(None) == [document]


def opener(dossier: str) -> Event[PieceDeposited]:
    """Build a titulaire's A4, judged by structures that routing knows."""
    piece = f"{dossier}-p1"
    return read_golden(PieceDeposited, dossier, dossier_id=dossier, piece_id=piece, directory={})


async def test_the_bytes_of_a_file_that_a_newer_version_names_are_kept(store: Store) -> None:
    now = [NOW]
    files = Files(store, lambda: now[0])
    await files.prepare()
    receipt = await files.put(b"%PDF of the newer version")
    document = load("support/tickets/1.json")
    document["ticket"]["receipt"] = {"sha256": receipt}
    document["files"].append(receipt)
    await store.collection("tickets").insert_one(document)

    await _assign_ticket(store)
    now[0] += timedelta(days=2)
    await files.sweep(MongoTickets(store).find_referenced_files)

    assert await files.get(receipt) == b"%PDF of the newer version"


class Routing:
    """The inbox of routing, and treatments, on a store that a newer version may have written."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.dossiers = store.collection("dossiers")
        self.inbox = Inbox(store, PIECE_DEPOSEE, route_pieces(self.router), lambda: NOW)

    def router(self, transaction: Transaction) -> Router:
        return Router(MongoDossierChange(transaction), NOW, True)

    async def open(self, *dossiers: str) -> None:
        await self.take(*map(opener, dossiers))

    async def take(self, *events: Event[Any]) -> None:
        await self.inbox.process(
            [
                Record(PIECE_DEPOSEE.name, event.dossierid or "", encode(event), {}, f"t/0/{rank}")
                for rank, event in enumerate(events)
            ]
        )

    async def treat(self, dossier: str, act: Act) -> None:
        command = Treat(f"{dossier}-p1", act, MOE)
        done = await self.store.transaction(lambda tx: self.router(tx).treat(command))
        assert done is not None
        assert done.violations == ()

    async def document(self, dossier: str) -> Any:  # noqa: ANN401 - a document
        return await self.dossiers.find_one({"_id": dossier})


@pytest.fixture
async def routing(store: Store) -> Routing:
    routing = Routing(store)
    await routing.inbox.prepare()
    directory = [
        read_golden(StructureChanged, name, structure=name, version=1)
        for name in ("90000000100017", "90000000200015", "90000000300013")
    ]
    await store.transaction(partial(keep_structures, events=directory))
    return routing


async def test_routing_keeps_what_a_newer_version_added_at_four_levels(routing: Routing) -> None:
    await routing.open("d1")
    document = await routing.document("d1")
    paths = ("$", "$.state", "$.state.pieces[0]", "$.state.pieces[0].deposit")
    for path in (*paths, "$.enclosures.d1-p1", "$.enclosures.d1-p1.file"):
        add_novelty(document, path)
    await routing.dossiers.replace_one({"_id": "d1"}, document)

    await routing.treat("d1", Act.PRENDRE_EN_COMPTE)

    stored = await routing.document("d1")
    assert stored["state"]["pieces"][0]["status"] == "PRISE_EN_COMPTE_MOE"
    assert sorted(novelties(stored)) == sorted(novelties(document))
    assert len(list(novelties(stored))) == 6
    report = await MongoDossiers(routing.store).verify("d1")
    assert report is not None
    assert (report.is_valid, report.entries) == (True, 2)


async def test_routing_waits_for_a_newer_dossier_and_for_no_other(routing: Routing) -> None:
    await routing.open("d1", "d2")
    newer = {"$set": {"schema": LEVEL + 1}}
    await routing.dossiers.update_one({"_id": "d1"}, newer)
    follows = [
        read_golden(PieceDeposited, each, dossier_id=each, piece_id=f"{each}-p2", directory={})
        for each in ("d1", "d2")
    ]
    seconds = [
        event.model_copy(
            update={
                "sequence": 2,
                "data": event.data.model_copy(
                    update={"follows": f"{event.dossierid}-p1", "number": "S-2"}
                ),
            }
        )
        for event in follows
    ]

    await routing.take(*seconds)
    await routing.inbox.sweep()

    assert len((await routing.document("d1"))["pieces"]) == 1
    assert len((await routing.document("d2"))["pieces"]) == 2
    dead = await routing.store.collection("inbox").count_documents({"state": "dead"})
    assert dead == 0
    with pytest.raises(NewerDocumentError):
        await routing.treat("d1", Act.PRENDRE_EN_COMPTE)
    with pytest.raises(NewerDocumentError):
        await MongoDossiers(routing.store).verify("d1")

    # What a version that judges it would do, this one does once it judges it again.
    await routing.dossiers.update_one({"_id": "d1"}, {"$set": {"schema": LEVEL}})
    await routing.inbox.sweep()
    assert len((await routing.document("d1"))["pieces"]) == 2


KEYS_OF_NEXT = (
    (Act.PRENDRE_EN_COMPTE, Role.MOE, Status.A_ASSOCIER_MOE),
    (Act.DEPOSER_SUITE, Role.MOE, Status.PRISE_EN_COMPTE_MOE),
)
"""PRISE_EN_COMPTE_MOE in the part of a status that came with the next level."""


@pytest.fixture
def routing_of_next(routing: Routing, monkeypatch: pytest.MonkeyPatch) -> Iterator[Routing]:
    """Give a routing that judges the next level, and writes this one."""
    for key in KEYS_OF_NEXT:
        row = statuses._BY_KEY[key]  # noqa: SLF001
        monkeypatch.setitem(statuses._BY_KEY, key, replace(row, level=LEVEL + 1))  # noqa: SLF001
    monkeypatch.setattr(JOURNEYS, "_level", LEVEL + 1)
    list_acts.cache_clear()
    routing.inbox = Inbox(
        routing.store,
        PIECE_DEPOSEE,
        route_pieces(routing.router),
        lambda: NOW,
        level=LEVEL + 1,
    )
    yield routing
    list_acts.cache_clear()


@pytest.mark.parametrize(
    ("of_document", "of_message", "is_rejected"),
    [(LEVEL, LEVEL, True), (LEVEL + 1, LEVEL, False), (LEVEL, LEVEL + 1, False)],
)
async def test_a_piece_is_judged_by_the_level_of_its_dossier_or_message_below_the_switch(
    routing_of_next: Routing, of_document: int, of_message: int, is_rejected: bool
) -> None:
    routing = routing_of_next
    await routing.open("d1")
    await routing.dossiers.update_one({"_id": "d1"}, {"$set": {"schema": LEVEL + 1}})
    await routing.treat("d1", Act.PRENDRE_EN_COMPTE)
    await routing.dossiers.update_one({"_id": "d1"}, {"$set": {"schema": of_document}})
    follows = read_golden(
        PieceDeposited,
        "d1",
        dossier_id="d1",
        piece_id="d1-p2",
        directory={},
        cadre="A15",
        follows="d1-p1",
        number="S-2",
        depositor_role="moe",
        depositor={"structure": MOE.structure},
    )

    await routing.take(follows.model_copy(update={"sequence": 2, "level": of_message}))

    stored = await routing.document("d1")
    assert stored["schema"] == max(of_document, of_message)
    assert (stored["state"]["pieces"][1]["status"] == "REJETEE") is is_rejected


async def test_an_act_of_the_next_level_is_refused_in_a_dossier_below_it(
    routing_of_next: Routing,
) -> None:
    routing = routing_of_next
    await routing.open("d1")
    command = Treat("d1-p1", Act.PRENDRE_EN_COMPTE, MOE)

    done = await routing.store.transaction(lambda tx: routing.router(tx).treat(command))

    assert done is not None
    assert [each.code for each in done.violations] == ["CIR-TOUR-05"]


OTHERS = {"titulaire": "90000000100025", "moe": "90000000200023", "moa": "90000000300021"}


async def test_routing_waits_for_a_newer_structure_in_the_dossiers_that_name_it_alone(
    routing: Routing,
) -> None:
    directory = [
        read_golden(StructureChanged, name, structure=name, version=1) for name in OTHERS.values()
    ]
    await routing.store.transaction(partial(keep_structures, events=directory))
    structures = routing.store.collection("structures")
    await structures.update_one({"_id": MOE.structure}, {"$set": {"schema": LEVEL + 1}})
    parties = {role: {"structure": name} for role, name in OTHERS.items()}
    others = read_golden(
        PieceDeposited,
        "d2",
        dossier_id="d2",
        piece_id="d2-p1",
        directory={},
        number="Z-1",
        depositor=parties["titulaire"],
        parties=parties | {"service_financier": parties["moa"]},
    )

    with pytest.raises(NewerDocumentError) as found:
        await routing.store.transaction(
            lambda tx: routing.router(tx).take_pieces([opener("d1"), others])
        )
    await routing.take(opener("d1"), others, opener("d3"))

    assert found.value.dossiers == {"d1"}
    assert [each["_id"] async for each in routing.dossiers.find({}, {"_id": 1})] == ["d2"]
    dead = await routing.store.collection("inbox").count_documents({"state": "dead"})
    assert dead == 0

    await structures.update_one({"_id": MOE.structure}, {"$set": {"schema": LEVEL}})
    await routing.inbox.sweep()
    assert {each["_id"] async for each in routing.dossiers.find({}, {"_id": 1})} == {
        *("d1", "d2", "d3")
    }


async def test_deposit_knows_the_level_of_the_state_of_a_dossier(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(DOSSIERS, "_level", LEVEL + 1)
    document = load("deposit/dossiers/1.json") | {"schema": LEVEL + 1}
    await store.collection("dossiers").insert_one(document)

    state = await DepositDossiers(store).find(document["_id"])

    assert state is not None
    assert state.level == LEVEL + 1
    assert "level" not in DOSSIERS.write(state, LEVEL)["state"]


async def test_entries_of_a_trail_vouch_for_their_level(routing: Routing) -> None:
    await routing.open("d1")
    entry = await routing.store.collection("audit").find_one({"dossier": "d1"})
    assert entry is not None
    assert entry["schema"] == 1

    await routing.store.collection("audit").update_one(
        {"dossier": "d1"}, {"$unset": {"schema": ""}}
    )

    report = await MongoDossiers(routing.store).verify("d1")
    assert report is not None
    assert not report.is_valid


Ask = Callable[[Store], Awaitable[object]]
_READ: dict[str, Ask] = {
    "deposit/pieces/1.json": lambda store: MongoPieces(store).get(
        "01a228d1-76a2-73a8-969e-ae44d2ca18ec"
    ),
    "deposit/dossiers/1.json": lambda store: DepositDossiers(store).find(
        "01a228d1-76a1-702d-9153-13a0a8d9d964"
    ),
    "notification/statuses/1.json": lambda store: MongoStatuses(
        store, Feed(store, "statuses")
    ).list_since(Subject(Scope.DOSSIER, "01a228d1-7828-75df-960d-5abb28937cef"), 0),
    "organisation/structures/1.json": lambda store: MongoStructures(store, lambda: NOW).find(
        "90000000300013"
    ),
    "portal/pieces/1.json": lambda store: PortalPieces(store).search(MOE, Criteria(), None, 10),
    "routing/structures/1.json": lambda store: Directory(store).find(["90000000300013"]),
    "support/chat_lines/1.json": lambda store: MongoChats(store, KEPT).list_lines(
        "01a228dc-77fa-73de-aaa1-c7102b52a38f", 0
    ),
}


async def test_a_status_newer_than_its_reader_is_not_counted(store: Store) -> None:
    pieces = store.collection("pieces")
    await pieces.insert_one(load("portal/pieces/2.json"))
    payer = Actor(Role.SERVICE_FINANCIER, "90000099900012")
    assert [count.pieces for count in await PortalPieces(store).count_received(payer)] == [1]

    await pieces.update_many(
        {},
        {
            "$set": {
                "reported.status": "PLUS_RECENT",
                "whole.status": "PLUS_RECENT",
                "schema": LEVEL + 1,
            }
        },
    )

    with pytest.raises(NewerDocumentError):
        await PortalPieces(store).count_received(payer)


@pytest.mark.parametrize("file", _READ)
async def test_what_is_newer_than_its_reader_is_shown_to_nobody(store: Store, file: str) -> None:
    document = load(file)
    collection = store.collection(file.split("/")[1])
    await collection.insert_one(document)
    assert await _READ[file](store)

    await collection.update_one({"_id": document["_id"]}, {"$set": {"schema": LEVEL + 1}})

    with pytest.raises(NewerDocumentError):
        await _READ[file](store)
