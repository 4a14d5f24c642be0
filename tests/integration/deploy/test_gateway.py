"""One origin before all services: paths pass unchanged, and nothing of an exchange is spoilt."""

import asyncio
from collections.abc import AsyncIterator, Iterator

import httpx
import pytest
from websockets.asyncio.client import connect

from deploy.local import Backend, Platform
from deploy.local.programs import ROOT
from tests.integration.deploy.proxied import BODY_MAX_BYTES
from tests.kit.waiting import scale_timeout

_PROXIED = "tests.integration.deploy.proxied"
_CHUNK = bytes(1_000_000)


@pytest.fixture(scope="module")
def platform() -> Iterator[Platform]:
    """A service behind a gateway."""
    with Platform(Backend.EMBEDDED, services=(_PROXIED,), gateway=True) as running:
        yield running


@pytest.fixture
def origin(platform: Platform) -> str:
    assert platform.addresses.origin
    return platform.addresses.origin


@pytest.fixture
async def http(origin: str) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=origin, timeout=scale_timeout(60)) as client:
        yield client


async def test_the_root_lists_the_services_and_where_they_are_described(
    http: httpx.AsyncClient,
) -> None:
    answer = await http.get("/")

    assert answer.json() == {
        "guide": "docs/integrate.md",
        "services": {
            "proxied": {"docs": "/proxied/v1/docs", "openapi": "/proxied/v1/openapi.json"}
        },
    }
    assert (ROOT / answer.json()["guide"]).is_file()
    assert (await http.head("/")).status_code == 200


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
async def test_the_root_is_read_only(http: httpx.AsyncClient, method: str) -> None:
    answer = await http.request(method, "/", content=b"x")

    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, HEAD")
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["code"] == "HTTP-405"


@pytest.mark.parametrize(
    "path",
    [
        "/absent/v1",
        "/health/live",
        "/metrics",
        "/proxied/../health/live",
        "/proxied/v1/../../health/live",
        "/proxied",
        "/proxied/health/live",
        "/proxied/metrics",
        "/proxiedx",
        "/proxied/v1x",
    ],
)
async def test_what_belongs_to_no_service_is_a_problem_in_french(
    http: httpx.AsyncClient, path: str
) -> None:
    answer = await http.get(path)

    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json() == {
        "type": "about:blank",
        "title": "Introuvable",
        "status": 404,
        "code": "HTTP-404",
        "detail": "Aucun service ne répond à cette adresse : GET / en donne la liste.",
    }


async def test_paths_and_queries_reach_the_service_unchanged(http: httpx.AsyncClient) -> None:
    told = (await http.get("/proxied/v1/caller?a=%2F&b=1")).json()

    assert told["path"] == "/proxied/v1/caller"
    assert told["host"] == http.base_url.netloc.decode()


@pytest.mark.parametrize(("length", "status"), [(30_000, b"200"), (40_000, b"431")])
async def test_the_head_of_a_request_is_bounded(
    http: httpx.AsyncClient, length: int, status: bytes
) -> None:
    # The gateway closes on the rest of the head: a client may see no more than the first line.
    url = http.base_url
    reader, writer = await asyncio.open_connection(url.host, url.port)
    head = f"GET /proxied/v1/caller HTTP/1.1\r\nHost: x\r\nX-Long: {'x' * length}\r\n\r\n"
    writer.write(head.encode())
    async with asyncio.timeout(scale_timeout(30)):
        first_line = await reader.readline()
    writer.close()

    assert first_line.split()[1] == status


async def test_a_caller_cannot_choose_the_address_it_is_counted_by(
    http: httpx.AsyncClient,
) -> None:
    told = (await http.get("/proxied/v1/caller", headers={"X-Forwarded-For": "203.0.113.7"})).json()

    assert told["address"] == "127.0.0.1"


@pytest.mark.parametrize("is_chunked", [False, True])
async def test_thirty_megabytes_pass_and_so_does_the_etag(
    http: httpx.AsyncClient, is_chunked: bool
) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(30):
            yield _CHUNK

    answer = await http.post("/proxied/v1/uploads", content=chunks() if is_chunked else _CHUNK * 30)

    assert (answer.json(), answer.headers["etag"]) == ({"read": 30_000_000}, '"1"')


def test_a_refusal_before_the_body_is_read_always_arrives(origin: str) -> None:
    too_large = bytes(BODY_MAX_BYTES + 1)

    for _ in range(20):
        answer = httpx.post(
            f"{origin}/proxied/v1/uploads", content=too_large, timeout=scale_timeout(60)
        )
        assert (answer.status_code, answer.headers["retry-after"]) == (413, "7")


async def test_an_event_is_not_held_until_the_next(http: httpx.AsyncClient) -> None:
    async with (
        asyncio.timeout(scale_timeout(30)),
        http.stream("GET", "/proxied/v1/events") as answer,
    ):
        lines = (line async for line in answer.aiter_lines() if line)
        assert await anext(lines) == "data: first"
        await http.post("/proxied/v1/second")
        assert await anext(lines) == "data: second"


async def test_a_web_socket_passes(origin: str) -> None:
    url = origin.replace("http", "ws", 1) + "/proxied/v1/echo"
    async with asyncio.timeout(scale_timeout(30)), connect(url, proxy=None) as socket:
        await socket.send("bonjour")
        assert await socket.recv() == "bonjour"


async def test_a_service_that_is_away_or_ends_meanwhile_is_a_problem_until_it_is_back(
    platform: Platform, http: httpx.AsyncClient
) -> None:
    asked = asyncio.create_task(http.post("/proxied/v1/hang", content=b"x"))
    await http.get("/proxied/v1/hanging")
    platform.kill("proxied")
    cut = await asked
    away = await http.post("/proxied/v1/uploads", content=_CHUNK)
    platform.restart("proxied")
    back = await http.post("/proxied/v1/uploads", content=_CHUNK)

    assert (cut.status_code, cut.json()["code"]) == (502, "HTTP-502")
    assert (away.status_code, away.json()["code"]) == (503, "HTTP-503")
    assert away.headers["retry-after"] == "2"
    assert cut.headers["content-type"] == away.headers["content-type"] == "application/problem+json"
    assert back.is_success
