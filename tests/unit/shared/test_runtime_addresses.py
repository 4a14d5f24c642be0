"""By what address callers are counted, and who may say it."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest
import uvicorn
from fastapi import FastAPI, Request
from pydantic import ValidationError
from starlette.requests import HTTPConnection

from shared.runtime.settings import RuntimeSettings
from shared.runtime.web.addresses import read_address
from shared.runtime.web.server import build_server_config
from tests.kit.waiting import wait_until


def settings(**changes: object) -> RuntimeSettings:
    return RuntimeSettings.model_validate({"kafka": "k", "mongo": "m", **changes})


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2::1", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:ffff:ffff:ffff:ffff", "2001:db8:1:2::/64"),
        ("2001:db8:1:3::1", "2001:db8:1:3::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("testclient", "testclient"),
    ],
)
def test_an_address_is_that_of_a_host(host: str, address: str) -> None:
    scope = {"type": "http", "headers": [], "client": (host, 1)}

    assert read_address(HTTPConnection(scope)) == address


def test_a_caller_may_have_no_address() -> None:
    assert read_address(HTTPConnection({"type": "http", "headers": []})) == ""


@asynccontextmanager
async def served(**changes: object) -> AsyncIterator[str]:
    """Serve, as services are served, an application that says whom it sees."""
    app = FastAPI()

    @app.get("/")
    async def whom(request: Request) -> str:
        return read_address(request)

    server = uvicorn.Server(build_server_config(app, settings(port=0, **changes)))
    listening = socket.create_server(("127.0.0.1", 0))
    serving = asyncio.create_task(server.serve([listening]))
    try:
        await wait_until(lambda: server.started, "the server has started")
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        server.should_exit = True
        await serving


@pytest.mark.parametrize(
    ("proxies", "said", "seen"),
    [
        ("", "203.0.113.5", "127.0.0.1"),
        ("192.0.2.0/24", "203.0.113.5", "127.0.0.1"),
        ("192.0.2.0/24 127.0.0.1", "203.0.113.5", "203.0.113.5"),
        ("127.0.0.1", "198.51.100.9, 203.0.113.5", "203.0.113.5"),
        ("127.0.0.1", "2001:db8:1:2::1", "2001:db8:1:2::/64"),
    ],
)
async def test_only_a_proxy_that_is_named_says_who_calls(
    monkeypatch: pytest.MonkeyPatch, proxies: str, said: str, seen: str
) -> None:
    # What uvicorn itself would read.
    monkeypatch.setenv("FORWARDED_ALLOW_IPS", "*")
    async with served(proxies=proxies) as url, httpx.AsyncClient() as http:
        answer = await http.get(url, headers={"x-forwarded-for": said})

    assert answer.json() == seen


@pytest.mark.parametrize("proxies", ["*", "0.0.0.0/0", "10.0.0.1 ::/0", "ingress", "10.0.0.1/8"])
def test_proxies_are_addresses_and_never_everybody(proxies: str) -> None:
    with pytest.raises(ValidationError):
        settings(proxies=proxies)


@pytest.mark.parametrize(
    "origins", ["https://a.example/", "a.example", "*", "https://a.example,https://b.example"]
)
def test_check_origins(origins: str) -> None:
    with pytest.raises(ValidationError):
        settings(allowed_origins=origins)


def test_several_origins_may_be_allowed() -> None:
    origins = "https://a.example http://127.0.0.1:8443"

    assert settings(allowed_origins=origins).allowed_origins == origins
