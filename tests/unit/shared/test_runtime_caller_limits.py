"""The limit of requests of a caller, over HTTP: who is one caller, what is counted, the answers."""

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from fastapi import APIRouter, FastAPI, WebSocket
from starlette.types import Message, Scope

from shared.rights.model import Identity, PrincipalKind, Requester
from shared.runtime.web.app import create_app
from shared.runtime.web.caller_limits import CallerLimits, CallerRules
from shared.runtime.web.limits_route import Limit
from shared.runtime.web.request_validation import DescribedRoute
from tests.kit.fake_access import EVERYBODY, ISSUED, ME, build_ports, build_rights
from tests.kit.web_limits import BODY_LIMITS

# 12 s after the beginning of a window of a minute.
NOW = datetime(2027, 3, 1, 9, 0, 12, tzinfo=UTC)
STRANGER = replace(ISSUED, email="inconnue@exemple.fr")
PROGRAM = replace(ISSUED, kind=PrincipalKind.MACHINE, client="programme", email=None)
PROXY = "192.0.2.1"


class Time:
    """A clock that tests set."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now


class Counts:
    """Counts of two replicas: a fake of the store."""

    def __init__(self, others: int = 0) -> None:
        self.others = others
        self.is_away = False
        self.written: list[tuple[int, Mapping[str, int]]] = []
        self.deleted: list[int] = []

    async def exchange(self, window: int, own: Mapping[str, int]) -> Mapping[str, int]:
        self._look()
        self.written.append((window, dict(own)))
        return dict.fromkeys(own, self.others)

    async def read(self, _: int, __: str) -> int:
        self._look()
        return self.others

    async def delete_before(self, window: int) -> None:
        self._look()
        self.deleted.append(window)

    def _look(self) -> None:
        if self.is_away:
            raise ConnectionError


@asynccontextmanager
async def no_lifespan(_: FastAPI) -> AsyncIterator[None]:
    yield


async def nothing_missing() -> Sequence[str]:
    return []


async def list_drawers(who: Requester) -> Sequence[Limit]:
    return [Limit("drawers", f"Tiroirs de {who.name}", 3, 5)]


def an_app(limits: CallerLimits, *, is_registered: bool = True) -> FastAPI:
    router = APIRouter(route_class=DescribedRoute)

    @router.get("/things")
    async def list_things() -> str:
        return "yes"

    @router.get("/open/things")
    async def list_open_things() -> str:
        return "yes"

    @router.websocket("/socket")
    async def talk(socket: WebSocket) -> None:
        await socket.accept()
        while True:
            await socket.send_text(await socket.receive_text())

    identities: dict[str, Identity] = {"moi": ISSUED, "autre": STRANGER, "programme": PROGRAM}
    return create_app(
        "essai",
        title="essai",
        description="",
        routers=[router],
        readiness=nothing_missing,
        is_started=lambda: True,
        lifespan=no_lifespan,
        access=build_ports(EVERYBODY if is_registered else None, identities),
        rights=build_rights([router], {"/open/things": "public", "/things": "signed-in"}),
        body_limits=BODY_LIMITS,
        requests_each=1000,
        caller_limits=limits,
        limits=[list_drawers],
        proxies=(PROXY,),
    )


@asynccontextmanager
async def opened(
    known: int = 3,
    address: int = 2,
    *,
    shared: Counts | None = None,
    clock: Time | None = None,
    client: str = "198.51.100.7",
    is_registered: bool = True,
) -> AsyncIterator[httpx.AsyncClient]:
    rules = CallerRules(60, known, address, (PROXY,))
    app = an_app(CallerLimits(rules, clock or Time(), shared), is_registered=is_registered)
    transport = httpx.ASGITransport(app, client=(client, 1))
    async with httpx.AsyncClient(transport=transport, base_url="http://essai/essai/v1") as http:
        yield http


def a_person(token: str = "moi", **more: str) -> dict[str, str]:  # noqa: S107 - of nobody
    return {"authorization": f"Bearer {token}", **more}


async def ask(
    http: httpx.AsyncClient, path: str, times: int = 1, by: Mapping[str, str] | None = None
) -> list[int]:
    return [(await http.get(path, headers=by)).status_code for _ in range(times)]


async def test_the_request_over_the_limit_is_refused_with_the_time_to_wait() -> None:
    async with opened() as http:
        allowed = await ask(http, "/things", 3, by=a_person())
        refused = await http.get("/things", headers=a_person())

    assert allowed == [200, 200, 200]
    assert refused.status_code == 429
    assert refused.headers["content-type"] == "application/problem+json"
    assert refused.headers["retry-after"] == "48"
    assert refused.headers["ratelimit-policy"] == '"requests";q=3;w=60'
    assert refused.headers["ratelimit"] == '"requests";r=0;t=48'
    assert refused.json() == {
        "type": "about:blank",
        "title": "Trop de demandes",
        "status": 429,
        "code": "HTTP-LIMITE-01",
        "detail": "Trop de demandes : 3 au plus en 60 s. Recommencer dans 48 s.",
    }


async def test_the_next_window_begins_anew() -> None:
    clock = Time()
    async with opened(clock=clock) as http:
        before = await ask(http, "/things", 4, by=a_person())
        clock.now = NOW + timedelta(seconds=47)
        last = await ask(http, "/things", by=a_person())
        clock.now = NOW + timedelta(seconds=48)
        after = await ask(http, "/things", 4, by=a_person())

    assert before == [200, 200, 200, 429]
    assert last == [429]
    assert after == [200, 200, 200, 429]


async def test_a_caller_is_one_whichever_structure_it_chooses() -> None:
    async with opened() as http:
        answers = [
            await ask(http, "/things", by=a_person(**{"x-structure": f"3560000000004{n}"}))
            for n in range(4)
        ]

    assert answers == [[200], [200], [200], [429]]


async def test_people_and_programs_that_are_not_registered_are_counted_apart() -> None:
    async with opened(known=1, is_registered=False) as http:
        answers = {
            token: await ask(http, "/things", 2, by=a_person(token))
            for token in ("moi", "autre", "programme")
        }

    assert [*answers.values()] == [[200, 429]] * 3


async def test_an_anonymous_caller_is_its_address_and_a_known_one_is_not() -> None:
    async with opened() as http:
        anonymous = await ask(http, "/open/things", 3)
        known = await ask(http, "/open/things", 3, by=a_person())
        named_by_others = await ask(http, "/open/things", by={"x-forwarded-for": "203.0.113.9"})

    assert anonymous == [200, 200, 429]
    assert known == [200, 200, 200]
    assert named_by_others == [429]


async def test_a_proxy_that_names_no_client_is_nobody() -> None:
    async with opened(client=PROXY) as http:
        assert await ask(http, "/open/things", 9) == [200] * 9


async def test_what_access_control_refuses_is_not_counted_and_what_a_route_refuses_is() -> None:
    async with opened() as http:
        unknown = await ask(http, "/things", 9, by=a_person("faux"))
        absent = await ask(http, "/absent", 2, by=a_person())
        left = await ask(http, "/things", 2, by=a_person())

    assert unknown == [401] * 9
    assert absent == [404, 404]
    assert left == [200, 429]


async def test_health_metrics_and_the_description_are_never_limited() -> None:
    async with opened(known=1, address=1) as http:
        await ask(http, "/open/things")
        root = http.base_url.join("/")
        paths = ["/health/live", "/health/ready", "/metrics", "/essai/v1/openapi.json"]
        answers = [await ask(http, str(root.join(path)), 2) for path in [*paths, "/essai/v1/docs"]]

    assert answers == [[200, 200]] * 5


async def test_zero_is_no_limit_and_none_is_shown() -> None:
    async with opened(0, 0) as http:
        known = await ask(http, "/things", 50, by=a_person())
        anonymous = await ask(http, "/open/things", 50)
        shown = await http.get("/limits", headers=a_person())

    assert {*known, *anonymous} == {200}
    assert [each["name"] for each in shown.json()["limits"]] == ["drawers"]
    assert "ratelimit" not in shown.headers


async def test_a_caller_reads_its_limits_and_those_that_the_service_adds() -> None:
    async with opened(shared=Counts(others=1)) as http:
        await ask(http, "/things", by=a_person())
        shown = await http.get("/limits", headers=ME | a_person())

    assert shown.headers["ratelimit-policy"] == '"requests";q=3;w=60'
    assert shown.headers["ratelimit"] == '"requests";r=0;t=48'
    assert shown.json() == {
        "limits": [
            {
                "name": "requests",
                "counted": "Demandes de l'appelant à ce service, celle-ci comprise",
                "window_s": 60,
                "limit": 3,
                "used": 3,
                "remaining": 0,
                "resets_at": "2027-03-01T09:01:00Z",
            },
            {
                "name": "drawers",
                "counted": "Tiroirs de Moi Même",
                "window_s": None,
                "limit": 3,
                "used": 5,
                "remaining": 0,
                "resets_at": None,
            },
        ]
    }


async def test_limits_are_read_while_the_store_is_away() -> None:
    counts = Counts(others=1)
    counts.is_away = True
    async with opened(shared=counts) as http:
        shown = await http.get("/limits", headers=a_person())

    assert shown.json()["limits"][0]["used"] == 1


async def test_nobody_reads_the_limits_of_nobody() -> None:
    async with opened() as http:
        assert await ask(http, "/limits") == [401]


async def test_what_the_others_let_in_counts_once_it_is_shared() -> None:
    counts, clock = Counts(others=2), Time()
    limits = CallerLimits(CallerRules(60, 4, 0), clock, counts)
    transport = httpx.ASGITransport(an_app(limits))
    async with httpx.AsyncClient(transport=transport, base_url="http://essai/essai/v1") as http:
        before = await ask(http, "/things", by=a_person())
        await limits.share()
        after = await ask(http, "/things", 3, by=a_person())

    window = int(NOW.timestamp()) - 12
    assert before == [200]
    assert after == [200, 429, 429]
    assert counts.written == [(window, {"p-moi": 1})]
    # The window before this one is kept, those before it are not.
    assert counts.deleted == [window - 60]


async def test_each_process_limits_by_itself_while_the_store_is_away() -> None:
    counts = Counts()
    limits = CallerLimits(CallerRules(60, 4, 0), Time(), counts)
    transport = httpx.ASGITransport(an_app(limits))
    async with httpx.AsyncClient(transport=transport, base_url="http://essai/essai/v1") as http:
        counts.is_away = True
        away = await ask(http, "/things", 2, by=a_person())
        with pytest.raises(ConnectionError):
            await limits.share()
        away += await ask(http, "/things", by=a_person())
        counts.is_away, counts.others = False, 1
        await limits.share()
        back = await ask(http, "/things", by=a_person())

    assert away == [200, 200, 200]
    assert [own for _, own in counts.written] == [{"p-moi": 3}]
    assert back == [429]


def a_handshake() -> Scope:
    return {
        "type": "websocket",
        "path": "/essai/v1/socket",
        "headers": [(name.encode(), value.encode()) for name, value in a_person().items()],
        "query_string": b"",
        "client": ("198.51.100.7", 1),
        "subprotocols": [],
        "extensions": {"websocket.http.response": {}},
    }


async def test_a_websocket_is_one_request_however_much_it_says() -> None:
    app = an_app(CallerLimits(CallerRules(60, 1, 0), Time()))
    said: Iterator[Message] = iter(
        [
            {"type": "websocket.connect"},
            *[{"type": "websocket.receive", "text": "encore"}] * 5,
            {"type": "websocket.disconnect", "code": 1001},
        ]
    )
    answered: list[str] = []

    async def receive() -> Message:
        return next(said)

    async def send(message: Message) -> None:
        answered.append(message["type"])

    await app(a_handshake(), receive, send)
    said = iter([{"type": "websocket.connect"}])
    await app(a_handshake(), receive, send)

    assert answered == [
        "websocket.accept",
        *["websocket.send"] * 5,
        "websocket.http.response.start",
        "websocket.http.response.body",
    ]
