"""How often a text may be read, and how much of it."""

from collections import Counter

import httpx
from fastapi import FastAPI, Request, Response
from starlette.middleware.base import RequestResponseEndpoint

from services.support.settings import DATA, load_catalogue
from services.support.suggestions.domain.suggestions import Suggestions
from services.support.suggestions.entrypoints.http import create_suggestions_router
from shared.runtime.web.caller import REQUESTER
from shared.runtime.web.problems import Problem, respond
from shared.vocabulary.roles import Role
from tests.kit.fake_access import build_requester

_ALLOWED = 3


class Counts:
    """Allows each comer as many."""

    an_hour = _ALLOWED

    def __init__(self) -> None:
        self.come = Counter[str]()

    async def count_request(self, who: str) -> bool:
        self.come[who] += 1
        return self.come[who] > self.an_hour


class Reading:
    """Notes how long the texts are."""

    def __init__(self) -> None:
        self.lengths: list[int] = []

    async def suggest(self, title: str, description: str) -> Suggestions:
        self.lengths.append(len(title) + len(description))
        return Suggestions()


def _served(reading: Reading) -> httpx.AsyncClient:
    app = FastAPI()

    @app.middleware("http")
    async def let_in(request: Request, call_next: RequestResponseEndpoint) -> Response:
        if structure := request.headers.get("x-structure"):
            request.scope[REQUESTER] = build_requester(structure, Role.TITULAIRE)
        return await call_next(request)

    app.include_router(
        create_suggestions_router(reading, load_catalogue(DATA / "catalogue.csv"), Counts())
    )
    app.add_exception_handler(Problem, lambda _, problem: respond(problem))
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://support")


async def test_each_caller_and_each_address_has_its_own_share() -> None:
    named = [{"X-Structure": each} for each in ("A", "B")]
    async with _served(Reading()) as http:
        for headers in ({}, *named):
            answers = [
                await http.post("/suggestions", json={"title": "mdp"}, headers=headers)
                for _ in range(_ALLOWED + 1)
            ]

            assert [each.status_code for each in answers] == [200] * _ALLOWED + [429]
            assert answers[-1].headers["retry-after"] == "3600"


async def test_nothing_is_counted_of_an_empty_text_and_little_is_read_of_a_long_one() -> None:
    reading = Reading()
    async with _served(reading) as http:
        for _ in range(_ALLOWED + 1):
            assert (await http.post("/suggestions", json={"title": " "})).status_code == 200
        long = {"title": "t" * 2000, "description": "d" * 100_000}
        assert (await http.post("/suggestions", json=long)).status_code == 200

    (length,) = reading.lengths
    assert length <= 150 + 10_000
