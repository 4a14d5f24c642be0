"""Agents of a desk, and visitors who may name themselves, as headers identify them."""

from typing import Any

import pytest
from fastapi import FastAPI
from starlette.requests import HTTPConnection

from services.support.access.entrypoints.authentication import (
    DeskAgent,
    authenticate_agent_request,
    authenticate_visitor_request,
)
from shared.runtime.web.problems import Problem
from shared.vocabulary.tickets import Desk

AGENT = {"x-desk": "technique", "x-agent": "a"}
OF_A_STRUCTURE = {"x-desk": "metier", "x-agent": "a", "x-structure": "s"}


def connection(headers: dict[str, str], *, is_trusted: bool = True) -> HTTPConnection:
    app = FastAPI()
    app.state.trust_headers = is_trusted
    pairs = [(name.encode(), value.encode()) for name, value in headers.items()]
    scope: dict[str, Any] = {"type": "http", "app": app, "headers": pairs}
    return HTTPConnection(scope)


def code_of(headers: dict[str, str], *, is_trusted: bool = True) -> str | None:
    with pytest.raises(Problem) as refused:
        authenticate_agent_request(connection(headers, is_trusted=is_trusted))
    assert refused.value.status == 401
    return refused.value.code


def test_an_agent_is_of_a_desk_and_of_a_structure_where_the_desk_is_one() -> None:
    assert authenticate_agent_request(connection(AGENT)) == DeskAgent(Desk.TECHNIQUE, "a")
    expected = DeskAgent(Desk.METIER, "a", "s")
    assert authenticate_agent_request(connection(OF_A_STRUCTURE)) == expected


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({}, "HTTP-CALLER-04"),
        ({"x-desk": "technique"}, "HTTP-CALLER-04"),
        ({"x-agent": "a"}, "HTTP-CALLER-04"),
        ({"x-structure": "s", "x-role": "moe"}, "HTTP-CALLER-04"),
        ({"x-desk": "metier", "x-agent": "a"}, "HTTP-CALLER-04"),
        ({**AGENT, "x-desk": "cuisine"}, "HTTP-CALLER-05"),
        ({**OF_A_STRUCTURE, "x-structure": "%FF"}, "HTTP-CALLER-06"),
    ],
)
def test_an_agent_who_is_not_named_is_refused(headers: dict[str, str], code: str) -> None:
    assert code_of(headers) == code


def test_no_agent_is_believed_where_headers_are_not_trusted() -> None:
    assert code_of(AGENT, is_trusted=False) == "HTTP-CALLER-01"


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("n" * 101, None),
        ("%E2%80%AEeneltit%0A%0Ax", None),
        ("%E3%85%A4", None),
        ("Zo%C3%A9%C2%A0Petit", "Zoé Petit"),
    ],
)
def test_an_agent_has_a_name_that_a_line_can_show(name: str, shown: str | None) -> None:
    headers = {**AGENT, "x-agent": name}

    if shown:
        assert authenticate_agent_request(connection(headers)).name == shown
    else:
        assert code_of(headers) == "HTTP-CALLER-07"


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({"x-desk": "a"}, "HTTP-CALLER-04"),
        ({"x-agent": "a"}, "HTTP-CALLER-02"),
        ({"x-structure": "s"}, "HTTP-CALLER-02"),
        ({"x-structure": "s", "x-role": "roi"}, "HTTP-CALLER-03"),
    ],
)
def test_a_visitor_who_names_somebody_names_them_whole(headers: dict[str, str], code: str) -> None:
    with pytest.raises(Problem) as refused:
        authenticate_visitor_request(connection(headers))

    assert refused.value.code == code


@pytest.mark.parametrize("headers", [{}, {"x-structure": "s", "x-role": "moe"}, AGENT])
def test_a_visitor_may_be_a_stranger_a_structure_or_an_agent(headers: dict[str, str]) -> None:
    authenticate_visitor_request(connection(headers))
