"""Every question is answered from an index: the store says which, for each criterion alone."""

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import fields
from typing import Any

import pytest

from deploy.local import Platform
from services.portal.adapters import queries
from services.portal.adapters.documents import PIECES
from services.portal.adapters.dossier_projection import project_dossiers
from services.portal.adapters.marks import COLLECTION, MARKS
from services.portal.adapters.pieces import MongoPieces
from services.portal.domain.criteria import Criteria
from shared.runtime.store.database import Document, Store, Transaction
from shared.vocabulary.actors import Actor
from shared.vocabulary.roles import Role
from tests.kit.criteria import ALONE, DAYS, PLACE
from tests.kit.namespaces import Namespace, build_namespace
from tests.kit.states import MOA, TITULAIRE, a_state, build_event

VIEWERS = [Actor(Role.TITULAIRE, TITULAIRE), Actor(Role.MOA, MOA)]
EQUALLED = [
    "none",
    "number",
    "currency",
    "statuses",
    "cadres",
    "marche",
    "awaits_me",
    "received",
    "closed",
]


@pytest.fixture(scope="module")
def namespace(portal: Platform) -> Namespace:
    return build_namespace(portal)


@pytest.fixture
async def prepared(namespace: Namespace) -> AsyncIterator[Store]:
    """A store with every index and a dossier."""
    async with namespace.store("portal") as store:
        await MongoPieces(store).prepare()

        async def work(transaction: Transaction) -> None:
            await project_dossiers(transaction, [build_event(a_state())])

        await store.transaction(work)
        yield store


async def plan(
    store: Store,
    asked: Mapping[str, Any],
    sort: Sequence[tuple[str, int]],
    **more: Any,  # noqa: ANN401
) -> Any:  # noqa: ANN401
    """Ask the store how it would find, and from which index."""
    command = {"find": PIECES.collection, "filter": asked, "sort": dict(sort), **more}
    return await explained(store, command)


async def explained(store: Store, command: Mapping[str, Any]) -> Any:  # noqa: ANN401
    return await store.db.command({"explain": command, "verbosity": "queryPlanner"})


def build_counts(viewer: Actor) -> list[list[Document]]:
    """Build every count of a dashboard."""
    return [
        queries.build_sent_count(viewer),
        queries.build_received_count(viewer),
        queries.build_awaiting(viewer),
    ]


def stages(plan: object) -> Iterator[Mapping[str, Any]]:
    """Give every stage of the winning plan, wherever it is nested."""
    if isinstance(plan, Mapping):
        if "stage" in plan:
            yield plan
        for name, part in plan.items():
            if name != "rejectedPlans":
                yield from stages(part)
    elif isinstance(plan, list):
        for part in plan:
            yield from stages(part)


def index_of(plan: object) -> list[str]:
    """Give the fields of the index that is walked; fail when none is."""
    found = {stage["stage"]: stage for stage in stages(plan)}
    assert "COLLSCAN" not in found, found
    return list(found["IXSCAN"]["keyPattern"])


def test_every_criterion_is_tried_alone() -> None:
    untouched = Criteria()
    tried = {
        field.name
        for criteria in ALONE.values()
        for field in fields(Criteria)
        if getattr(criteria, field.name) != getattr(untouched, field.name)
    }

    assert tried == {field.name for field in fields(Criteria)}


@pytest.mark.parametrize("viewer", VIEWERS, ids=lambda viewer: viewer.role)
async def test_every_criterion_alone_is_answered_from_its_index(
    prepared: Store, viewer: Actor
) -> None:
    for name, criteria in ALONE.items():
        asked = queries.build_search(viewer, criteria)
        index = index_of(await plan(prepared, asked, queries.NEWEST_FIRST))
        assert set(index[: len(asked)]) == set(asked), name


@pytest.mark.parametrize("viewer", VIEWERS, ids=lambda viewer: viewer.role)
async def test_the_next_page_of_what_is_asked_by_equality_is_too(
    prepared: Store, viewer: Actor
) -> None:
    for name in EQUALLED:
        asked = queries.build_search(viewer, ALONE[name], PLACE)
        index = index_of(await plan(prepared, asked, queries.NEWEST_FIRST))
        assert set(asked) <= set(index), name


@pytest.mark.parametrize("viewer", VIEWERS, ids=lambda viewer: viewer.role)
async def test_the_dashboard_and_the_list_are_answered_from_an_index(
    prepared: Store, viewer: Actor
) -> None:
    for pipeline in build_counts(viewer):
        command = {"aggregate": PIECES.collection, "pipeline": pipeline, "cursor": {}}
        assert index_of(await explained(prepared, command))[0] in pipeline[0]["$match"]
    for asked in (queries.build_sent(viewer, DAYS), queries.build_received(viewer, DAYS)):
        listed = await plan(prepared, asked, queries.OLDEST_FIRST)
        assert index_of(listed)[:2] == list(asked)


@pytest.mark.parametrize("viewer", VIEWERS, ids=lambda viewer: viewer.role)
async def test_what_has_changed_is_read_by_the_index_of_its_marks(
    prepared: Store, viewer: Actor
) -> None:
    mark = MARKS[queries.name_state_field(viewer.role)]
    asked, order = queries.build_changes(viewer, mark, 5, 90)

    command = {"find": COLLECTION, "filter": asked, "sort": dict(order)}
    assert index_of(await explained(prepared, command)) == ["seen_by", mark]


@pytest.mark.parametrize("viewer", VIEWERS, ids=lambda viewer: viewer.role)
async def test_no_page_of_a_criterion_alone_is_sorted(prepared: Store, viewer: Actor) -> None:
    await skip_where_all_is_sorted(prepared)
    for name, criteria in ALONE.items():
        for after in (None, PLACE):
            asked = queries.build_search(viewer, criteria, after)
            # Of what is asked by its bounds, a store may find less by the other index, and sort it.
            is_bounded = queries.BOUNDED & asked.keys() and name != "number"
            hint = {"hint": dict(queries.PAGES)} if is_bounded else {}
            found = await plan(prepared, asked, queries.NEWEST_FIRST, **hint)
            assert not is_sorted(found), name
    for asked in (queries.build_sent(viewer, DAYS), queries.build_received(viewer, DAYS)):
        assert not is_sorted(await plan(prepared, asked, queries.OLDEST_FIRST))


@pytest.mark.parametrize("viewer", VIEWERS, ids=lambda viewer: viewer.role)
async def test_the_dashboard_reads_no_piece(prepared: Store, viewer: Actor) -> None:
    await skip_where_all_is_sorted(prepared)
    for pipeline in build_counts(viewer):
        command = {"aggregate": PIECES.collection, "pipeline": pipeline, "cursor": {}}
        found = {stage["stage"] for stage in stages(await explained(prepared, command))}
        assert "IXSCAN" in found
        assert "FETCH" not in found


async def skip_where_all_is_sorted(store: Store) -> None:
    """Skip on a store that sorts even what the simplest of indexes gives in order."""
    await store.collection("simple").create_index([("a", 1), ("b", 1)])
    await store.collection("simple").insert_one({"a": 1, "b": 1})
    command = {"find": "simple", "filter": {"a": 1}, "sort": {"b": 1}}
    if is_sorted(await explained(store, command)):
        pytest.skip("this store reads and sorts all that it finds: prove it on MongoDB")


def is_sorted(plan: object) -> bool:
    return any(stage["stage"] == "SORT" for stage in stages(plan))


async def test_the_pieces_of_a_dossier_are_replaced_by_an_index(prepared: Store) -> None:
    replaced = await plan(prepared, {"dossier_id": "d", "version": {"$lt": 2}}, [])

    assert index_of(replaced) == ["dossier_id", "version"]


async def test_a_criterion_without_its_index_is_noticed(namespace: Namespace) -> None:
    """The check itself can fail."""
    asked = queries.build_search(VIEWERS[0], ALONE["marche"])
    async with namespace.store("bare") as store:
        pieces = store.collection(PIECES.collection)
        await pieces.create_index([("seen_by", 1), *queries.NEWEST_FIRST])
        await pieces.insert_one({**asked, "order": "o"})
        found = await plan(store, asked, queries.NEWEST_FIRST)

    with pytest.raises(AssertionError):
        assert set(index_of(found)[: len(asked)]) == set(asked)
