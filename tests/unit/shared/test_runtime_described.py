"""What a service's description does not foresee is refused by name, and what it does passes."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Any

import httpx
import pytest
from fastapi import APIRouter, FastAPI, File, Form, Query, UploadFile
from pydantic import BaseModel

from shared.runtime.http import create_app

ME = {"x-structure": "35600000000048", "x-role": "moe"}


class Criteria(BaseModel):
    query: str = ""
    after: str = ""


class Word(BaseModel):
    text: str


def a_router() -> APIRouter:
    router = APIRouter(prefix="/things")

    @router.get("")
    async def search(asked: Annotated[Criteria, Query()], limit: int = 5) -> str:
        return f"{asked.query} {limit}"

    @router.get("/{thing}")
    async def read(thing: str) -> str:
        return thing

    @router.post("/{thing}/words")
    async def say(thing: str, word: Word) -> str:
        return thing + word.text

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


@pytest.fixture
async def http() -> AsyncIterator[httpx.AsyncClient]:
    app = create_app(
        title="essai",
        description="",
        routers=[a_router()],
        readiness=nothing_missing,
        is_started=lambda: True,
        lifespan=no_lifespan,
        trust_headers=True,
    )
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app), base_url="http://essai", headers=ME
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
    assert (await http.get("/health/live?from=probe")).status_code == 200
