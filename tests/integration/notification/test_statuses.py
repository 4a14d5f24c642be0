"""The history of statuses over HTTP and live, with statuses told on their topic."""

import asyncio
import json
import os
import signal
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest
from aiokafka import AIOKafkaProducer

from deploy.local import Platform
from shared.circuit.motives import find_motive_label
from shared.vocabulary.roles import Role
from shared.vocabulary.statuses import Status
from tests.integration.notification.dossiers import Dossier
from tests.kit.access import get_access
from tests.kit.waiting import scale_timeout, wait_until

_PATIENCE_S = 20
_LIVE_S, _MOST_S = 12, 14
"""Less than the 15 s after which a silent stream looks again by itself."""


@dataclass
class Live:
    """A stream as its client reads it."""

    response: httpx.Response
    lines: AsyncIterator[str] = field(init=False)

    def __post_init__(self) -> None:
        self.lines = self.response.aiter_lines()

    async def next(self) -> tuple[int, dict[str, Any]] | None:
        """Wait for the next event and give its id and data; None when the stream ends."""
        fields: dict[str, str] = {}
        async with asyncio.timeout(scale_timeout(_LIVE_S, _MOST_S)):
            async for line in self.lines:
                name, _, value = line.partition(": ")
                fields[name] = value
                if not line and "data" in fields:
                    assert fields["event"] == "statut"
                    return int(fields["id"]), json.loads(fields["data"])
        return None

    async def take(self, number: int) -> list[tuple[int, str]]:
        """Wait for events and give the id and status of each."""
        events = [await self.next() for _ in range(number)]
        return [(event[0], event[1]["status"]) for event in events if event]


@pytest.fixture
def dossier(producer: AIOKafkaProducer) -> Dossier:
    return Dossier(producer)


@asynccontextmanager
async def following(
    http: httpx.AsyncClient, url: str, viewer: Mapping[str, str], seen: int | None = None
) -> AsyncIterator[Live]:
    headers = {**viewer} | ({"Last-Event-ID": str(seen)} if seen is not None else {})
    async with http.stream("GET", f"{url}/statuses/stream", headers=headers) as response:
        assert response.status_code == 200
        assert response.headers["content-type"].startswith("text/event-stream")
        yield Live(response)


async def history(
    http: httpx.AsyncClient, url: str, viewer: Mapping[str, str], number: int
) -> list[dict[str, Any]]:
    """Read a history once it holds `number` statuses."""
    async with asyncio.timeout(scale_timeout(_PATIENCE_S)):
        while True:
            answer = await http.get(f"{url}/statuses", headers=viewer)
            statuses: list[dict[str, Any]] = answer.json().get("statuses", [])
            if len(statuses) >= number:
                return statuses
            await asyncio.sleep(0.05)


async def test_a_party_reads_what_happened_to_its_pieces_oldest_first(
    http: httpx.AsyncClient, dossier: Dossier
) -> None:
    moa = dossier.seen_by(Role.MOA)
    await dossier.tell(Status.DEPOSEE)
    by = {"role": "moa", "structure": dossier.structure(Role.MOA)}
    await dossier.tell(Status.REFUSEE_MOA, by=by, motive="AUTRE", comment="Doublon")
    await dossier.tell(Status.DEPOSEE, piece_id="next-of-" + dossier.id)

    of_dossier = await history(http, f"/dossiers/{dossier.id}", moa, 3)
    of_piece = await history(http, f"/pieces/{dossier.piece}", moa, 2)

    assert [each["sequence"] for each in of_dossier] == [1, 2, 3]
    assert of_piece == of_dossier[:2]
    refused = of_piece[1]
    assert (refused["status"], refused["status_label"]) == (
        "REFUSEE_MOA",
        "Refusée par la maîtrise d'ouvrage",
    )
    assert refused["by"] == {**by, "role_label": "maîtrise d'ouvrage", "service": None}
    assert (refused["motive"], refused["motive_label"]) == ("AUTRE", find_motive_label("AUTRE"))
    assert (refused["cadre"], refused["cadre_label"]) == ("A4", "projet de décompte mensuel")
    assert refused["comment"] == "Doublon"
    assert refused["parties"]["moa"] == {"structure": dossier.structure(Role.MOA)}
    assert refused["at"].endswith("Z")


async def test_who_is_no_party_finds_nothing(http: httpx.AsyncClient, dossier: Dossier) -> None:
    await dossier.tell(Status.DEPOSEE)
    await history(http, f"/dossiers/{dossier.id}", dossier.seen_by(Role.MOA), 1)
    strangers = [
        get_access().headers(dossier.structure(Role.MOA), "moe"),
        get_access().headers("other", "moa"),
    ]

    for stranger in strangers:
        for subject in (f"/dossiers/{dossier.id}", f"/pieces/{dossier.piece}", "/dossiers/none"):
            for view in ("statuses", "statuses/stream"):
                answer = await http.get(f"{subject}/{view}", headers=stranger)
                assert (answer.status_code, answer.json()["code"]) == (404, "HTTP-404")
    assert (await http.get(f"/dossiers/{dossier.id}/statuses")).status_code == 401


async def test_a_stream_gives_the_history_and_then_what_comes(
    http: httpx.AsyncClient, dossier: Dossier
) -> None:
    url, viewer = f"/dossiers/{dossier.id}", dossier.seen_by(Role.TITULAIRE)
    await dossier.tell(Status.DEPOSEE, Status.A_ASSOCIER_MOE)
    await history(http, url, viewer, 2)

    async with following(http, url, viewer) as live:
        there = await live.take(2)
        await dossier.tell(Status.PRISE_EN_COMPTE_MOE)
        assert there + await live.take(1) == [
            (1, "DEPOSEE"),
            (2, "A_ASSOCIER_MOE"),
            (3, "PRISE_EN_COMPTE_MOE"),
        ]


async def test_a_client_that_returns_loses_nothing_and_sees_nothing_twice(
    http: httpx.AsyncClient, dossier: Dossier
) -> None:
    url, viewer = f"/dossiers/{dossier.id}", dossier.seen_by(Role.MOA)
    await dossier.tell(Status.DEPOSEE)
    await history(http, url, viewer, 1)
    telling = asyncio.create_task(dossier.tell(*[Status.PRISE_EN_COMPTE_MOA] * 40))

    got: list[int] = []
    while len(got) < 41:
        async with following(http, url, viewer, seen=got[-1] if got else None) as live:
            got += [rank for rank, _ in await live.take(min(7, 41 - len(got)))]
    await telling

    assert got == list(range(1, 42))


async def test_a_stream_of_a_piece_resumes_by_the_rank_in_its_dossier(
    http: httpx.AsyncClient, dossier: Dossier
) -> None:
    url, viewer = f"/pieces/{dossier.piece}", dossier.seen_by(Role.MOA)
    await dossier.tell(Status.DEPOSEE)
    await dossier.tell(Status.DEPOSEE, piece_id="next-of-" + dossier.id)
    await dossier.tell(Status.ASSOCIEE)
    await history(http, url, viewer, 2)

    async with following(http, url, viewer, seen=1) as live:
        assert await live.take(1) == [(3, "ASSOCIEE")]


async def test_a_payment_that_is_not_reported_reaches_the_moa_and_not_the_titulaire(
    http: httpx.AsyncClient, dossier: Dossier
) -> None:
    url = f"/dossiers/{dossier.id}"
    titulaire, moa = dossier.seen_by(Role.TITULAIRE), dossier.seen_by(Role.MOA)
    await dossier.tell(Status.DEPOSEE, payment_not_reported=True)
    await history(http, url, moa, 1)

    async with following(http, url, titulaire) as hers, following(http, url, moa) as his:
        await dossier.tell(Status.MISE_EN_PAIEMENT, payment_not_reported=True)
        # Impossible after a payment, but it shows that the stream has passed over it.
        await dossier.tell(Status.COMPLETEE, payment_not_reported=True)
        assert await hers.take(2) == [(1, "DEPOSEE"), (3, "COMPLETEE")]
        assert await his.take(3) == [(1, "DEPOSEE"), (2, "MISE_EN_PAIEMENT"), (3, "COMPLETEE")]
    assert len(await history(http, url, titulaire, 1)) == 2


async def test_a_status_told_twice_or_too_early_is_kept_once_in_its_place(
    http: httpx.AsyncClient, dossier: Dossier
) -> None:
    url, viewer = f"/dossiers/{dossier.id}", dossier.seen_by(Role.MOA)
    statuses = (Status.DEPOSEE, Status.A_ASSOCIER_MOA, Status.PRISE_EN_COMPTE_MOA)
    first, second, third = (dossier.event(status) for status in statuses)
    for event in (first, third, third, second, first, second):
        await dossier.send(event)
    await dossier.tell(Status.ASSOCIEE)

    kept = await history(http, url, viewer, 4)

    assert [each["status"] for each in kept] == [*statuses, "ASSOCIEE"]


async def test_a_last_event_id_that_is_no_rank_is_refused(
    http: httpx.AsyncClient, dossier: Dossier
) -> None:
    url, viewer = f"/dossiers/{dossier.id}", dossier.seen_by(Role.MOA)
    await dossier.tell(Status.DEPOSEE)
    await history(http, url, viewer, 1)

    answer = await http.get(f"{url}/statuses/stream", headers={**viewer, "Last-Event-ID": "x"})

    assert answer.status_code == 422
    assert answer.json()["violations"][0]["field"] == "Last-Event-ID"


async def test_streams_end_at_once_when_the_service_stops(
    platform: Platform, http: httpx.AsyncClient, dossier: Dossier
) -> None:
    url, viewer = f"/dossiers/{dossier.id}", dossier.seen_by(Role.MOA)
    await dossier.tell(Status.DEPOSEE)
    await history(http, url, viewer, 1)

    async with following(http, url, viewer) as live:
        await live.take(1)
        os.kill(platform.get_pid("notification"), signal.SIGTERM)
        # A stream that is cut raises; one that is waited for takes uvicorn's five seconds.
        async with asyncio.timeout(scale_timeout(3, most=4.5)):
            assert await live.next() is None
    await asyncio.to_thread(platform.restart, "notification")
    await history(http, url, viewer, 1)
    log = platform.get_log("notification").read_text()
    assert "Traceback" not in log
    assert "never retrieved" not in log


async def test_a_structure_follows_so_many_at_once_and_one_more_when_it_leaves_one(
    http: httpx.AsyncClient, dossier: Dossier
) -> None:
    moa = dossier.seen_by(Role.MOA)
    await dossier.tell(Status.DEPOSEE)
    url = f"/dossiers/{dossier.id}"
    await history(http, url, moa, 1)

    async with AsyncExitStack() as open_streams:
        for _ in range(50):
            await open_streams.enter_async_context(following(http, url, moa))
        refused = await http.get(f"{url}/statuses/stream", headers=moa)
        assert (refused.status_code, refused.json()["code"]) == (429, "NOT-STREAM-02")
        assert refused.headers["retry-after"]
        supplier = dossier.seen_by(Role.TITULAIRE)
        async with following(http, url, supplier) as other:
            assert await other.take(1) == [(1, "DEPOSEE")]

    async def has_room() -> bool:
        async with http.stream("GET", f"{url}/statuses/stream", headers=moa) as response:
            return response.status_code == 200

    await wait_until(has_room, "the streams are released")
