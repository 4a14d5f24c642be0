"""What a service's description does not foresee is refused by name, and what it does passes."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Any

import httpx
import pytest
from fastapi import APIRouter, FastAPI, File, Form, Header, Query, UploadFile
from pydantic import BaseModel

from shared.runtime.web.app import create_app
from shared.runtime.web.request_validation import DescribedRoute, find_repeated_keys
from tests.kit.deployed import NAMES as SERVICES
from tests.kit.deployed import ROOT
from tests.kit.fake_access import ME, build_ports, build_rights
from tests.kit.web_limits import BODY_LIMITS, build_caller_limits


class Criteria(BaseModel):
    query: str = ""
    after: str = ""


class Word(BaseModel):
    text: str


def a_router() -> APIRouter:
    router = APIRouter(route_class=DescribedRoute, prefix="/things")

    @router.get("")
    async def search(asked: Annotated[Criteria, Query()], limit: int = 5) -> str:
        return f"{asked.query} {limit}"

    @router.get("/{thing}")
    async def read(thing: str) -> str:
        return thing

    @router.get("/{thing}/kinds")
    async def kinds(thing: str, kind: Annotated[list[str] | None, Query()] = None) -> list[str]:
        return kind or [thing]

    @router.post("/{thing}/words")
    async def say(
        thing: str, word: Word, idempotency_key: Annotated[str | None, Header()] = None
    ) -> str:
        return thing + word.text + (idempotency_key or "")

    @router.post("/{thing}/messages")
    async def write(
        thing: str,
        text: Annotated[str, Form()],
        attachments: Annotated[list[UploadFile] | None, File()] = None,
    ) -> str:
        return f"{thing} {text} {len(attachments or ())}"

    @router.post("/{thing}/notes")
    async def note(text: Annotated[str, Form()]) -> str:
        return text

    return router


@asynccontextmanager
async def no_lifespan(_: FastAPI) -> AsyncIterator[None]:
    yield


async def nothing_missing() -> list[str]:
    return []


def an_app(router: APIRouter) -> FastAPI:
    return create_app(
        "essai",
        title="essai",
        description="",
        routers=[router],
        readiness=nothing_missing,
        is_started=lambda: True,
        lifespan=no_lifespan,
        access=build_ports(),
        rights=build_rights([router]),
        body_limits=BODY_LIMITS,
        requests_each=1000,
        caller_limits=build_caller_limits(),
    )


@pytest.fixture
async def http() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(an_app(a_router())),
        base_url="http://essai/essai/v1",
        headers=ME,
    ) as opened:
        yield opened


async def test_an_unknown_criterion_is_named_beside_those_that_exist(
    http: httpx.AsyncClient,
) -> None:
    answer = await http.get("/things?number=1&text=x&number=2&query=y")

    body: dict[str, Any] = answer.json()
    assert (answer.status_code, body["code"]) == (422, "HTTP-FORM-01")
    assert [each["field"] for each in body["violations"]] == ["number", "text"]
    for each in body["violations"]:
        assert each["field"] in each["message"]
        assert {"query", "after", "limit"} <= {word.strip(",.") for word in each["message"].split()}


@pytest.mark.parametrize("asked", ["", "?query=a&limit=7", "?limit=7&query=a&after="])
async def test_known_criteria_pass(http: httpx.AsyncClient, asked: str) -> None:
    assert (await http.get(f"/things{asked}")).status_code == 200


async def test_where_there_is_no_criterion_that_is_said(http: httpx.AsyncClient) -> None:
    answer = await http.get("/things/a?deep=1")

    assert answer.status_code == 422
    assert answer.json()["detail"] == "Le paramètre « deep » n'existe pas ; il n'y en a pas ici."


@pytest.mark.parametrize("form", ["messages", "notes"])
async def test_json_sent_to_a_form_is_told_what_is_expected(
    http: httpx.AsyncClient, form: str
) -> None:
    answer = await http.post(f"/things/a/{form}", json={"text": "Bonjour"})

    body = answer.json()
    assert (answer.status_code, body["code"]) == (415, "HTTP-415")
    assert answer.headers["content-type"] == "application/problem+json"
    assert "multipart/form-data" in body["detail"]
    assert "application/json" in body["detail"]


@pytest.mark.parametrize("form", ["messages", "notes"])
async def test_forms_pass_in_both_their_shapes(http: httpx.AsyncClient, form: str) -> None:
    as_parts = await http.post(f"/things/a/{form}", files={"text": (None, "Bonjour")})
    as_pairs = await http.post(f"/things/a/{form}", data={"text": "Bonjour"})

    assert (as_parts.status_code, as_pairs.status_code) == (200, 200)
    assert "Bonjour" in as_parts.text


async def test_a_form_without_a_body_is_told_its_fields(http: httpx.AsyncClient) -> None:
    answer = await http.post("/things/a/messages")

    assert answer.status_code == 422
    assert [each["field"] for each in answer.json()["violations"]] == ["text"]


async def test_json_passes_where_json_is_expected(http: httpx.AsyncClient) -> None:
    assert (await http.post("/things/a/words", json={"text": "b"})).json() == "ab"


async def test_what_watches_the_service_may_ask_as_it_likes(http: httpx.AsyncClient) -> None:
    assert (await http.get("http://essai/health/live?from=probe")).status_code == 200


async def test_what_is_asked_once_is_not_asked_twice(http: httpx.AsyncClient) -> None:
    answer = await http.get("/things?query=a&limit=7&query=b")

    assert answer.status_code == 422
    assert [each["field"] for each in answer.json()["violations"]] == ["query"]
    assert "qu'une fois" in answer.json()["detail"]


async def test_what_is_asked_as_a_list_may_be_asked_twice(http: httpx.AsyncClient) -> None:
    assert (await http.get("/things/a/kinds?kind=b&kind=c")).json() == ["b", "c"]


async def test_a_header_that_a_route_reads_comes_once(http: httpx.AsyncClient) -> None:
    headers = [("idempotency-key", "a"), ("idempotency-key", "b")]

    answer = await http.post("/things/a/words", json={"text": "b"}, headers=headers)

    assert [each["field"] for each in answer.json()["violations"]] == ["idempotency-key"]


@pytest.mark.parametrize(
    "body", [b'{"text": "a", "text": "b"}', b'{"text": "a", "\\u0074ext": "b"}']
)
async def test_a_field_of_json_comes_once(http: httpx.AsyncClient, body: bytes) -> None:
    headers = {"content-type": "application/json"}

    answer = await http.post("/things/a/words", content=body, headers=headers)

    assert answer.status_code == 422
    assert [each["field"] for each in answer.json()["violations"]] == ["text"]


def test_two_objects_may_have_a_field_each() -> None:
    assert find_repeated_keys('{"a": {"b": 1}, "c": [{"b": 1}, {"b": 2, "b": 3}]}') == ["b"]
    assert find_repeated_keys('{"a": {"b": 1}, "c": [{"b": 1}, {"b": 2}]}') == []
    assert find_repeated_keys("[" * 100_000) == []


def test_a_router_reads_bodies_in_the_one_way() -> None:
    router = APIRouter()
    router.add_api_route("/", nothing_missing)

    with pytest.raises(TypeError, match="DescribedRoute"):
        an_app(router)


@pytest.mark.parametrize("service", SERVICES)
def test_bodies_of_the_services_are_closed(service: str) -> None:
    document = json.loads((ROOT / "docs" / "openapi" / f"{service}.json").read_text("utf-8"))
    schemas = document["components"]["schemas"]
    bodies = [
        media["schema"]["$ref"].rpartition("/")[2]
        for path in document["paths"].values()
        for operation in path.values()
        for kind, media in operation.get("requestBody", {}).get("content", {}).items()
        if kind == "application/json"
    ]

    assert [each for each in bodies if schemas[each].get("additionalProperties") is not False] == []
