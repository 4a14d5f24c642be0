"""The checker of `make authz` names each surprise, and counts what is allowed beside refusals."""

import io
from itertools import pairwise

import pytest

from tests.authz.callers import BAD_TOKENS, CallerKind
from tests.authz.expectations import (
    Endpoint,
    Expectation,
    ExpectationsError,
    Verdict,
    load_expectations,
    read_expectations,
)
from tests.authz.matrix import Reply, Results, find_gaps, find_unprepared
from tests.authz.requests.all import PREPARATIONS

READ = Endpoint("portal", "GET", "/dashboard")
HEADER = ";".join(("service", "method", "path", "role", "application", *CallerKind))
YES = ";".join("yes" for _ in CallerKind)


def a_row(verdict: Verdict, endpoint: Endpoint = READ) -> Expectation:
    return Expectation(endpoint, "titulaire", "", dict.fromkeys(CallerKind, verdict))


@pytest.mark.parametrize(
    ("verdict", "statuses"),
    [
        (Verdict.YES, {101, 200, 201, 204}),
        (Verdict.LET_IN, {400, 404, 409, 412, 422, 428}),
        (Verdict.UNKNOWN, {401}),
        (Verdict.FORBIDDEN, {403}),
        (Verdict.HIDDEN, {404}),
    ],
)
def test_a_verdict_allows_its_statuses_and_no_other(verdict: Verdict, statuses: set[int]) -> None:
    tried = {101, 200, 201, 204, 302, 400, 401, 403, 404, 409, 412, 422, 428, 500, 503}

    assert {status for status in tried if verdict.allows(status)} == statuses


def test_who_gets_in_and_should_not_is_a_surprise() -> None:
    results = Results()

    results.judge(a_row(Verdict.FORBIDDEN), CallerKind.CONSULTATION, Reply(200))

    assert results.surprises == [
        "GET /portal/v1/dashboard (titulaire), consultation: 200 instead of 403"
    ]


def test_who_is_kept_out_and_should_not_is_a_surprise() -> None:
    results = Results()

    results.judge(a_row(Verdict.YES), CallerKind.MACHINE, Reply(403, "HTTP-DROIT-07"))

    assert results.surprises == [
        "GET /portal/v1/dashboard (titulaire), machine: 403 HTTP-DROIT-07 instead of yes"
    ]


def test_what_is_refused_and_done_all_the_same_is_a_surprise() -> None:
    results = Results()

    results.note_changes(a_row(Verdict.FORBIDDEN), ["deposit.pieces"])
    results.note_changes(a_row(Verdict.FORBIDDEN), [])

    assert results.surprises == [
        "GET /portal/v1/dashboard (titulaire): refused, and yet changed: deposit.pieces"
    ]


def test_successes_are_counted_beside_refusals() -> None:
    results = Results()

    for verdict, status in (
        (Verdict.YES, 200),
        (Verdict.YES, 201),
        (Verdict.LET_IN, 409),
        (Verdict.UNKNOWN, 401),
        (Verdict.FORBIDDEN, 403),
        (Verdict.HIDDEN, 404),
    ):
        results.judge(a_row(verdict), CallerKind.MODIFICATION, Reply(status))

    assert results.describe() == (
        "6 checks, 0 surprises: 2 allowed and done, 1 only let in, 1 refused by 401, 1 by 403, "
        "1 by 404"
    )


def test_an_endpoint_without_a_row_and_a_row_without_an_endpoint_are_named() -> None:
    gone = Endpoint("portal", "GET", "/gone")

    gaps = list(find_gaps({READ, Endpoint("portal", "POST", "/new")}, [a_row(Verdict.YES, gone)]))

    assert gaps == [
        "GET /portal/v1/dashboard: no row in expected.csv",
        "POST /portal/v1/new: no row in expected.csv",
        "GET /portal/v1/gone: a row in expected.csv, and no such endpoint",
    ]


def test_a_row_for_which_no_request_is_written_is_named() -> None:
    row = a_row(Verdict.YES, Endpoint("portal", "GET", "/gone"))

    assert list(find_unprepared([row], PREPARATIONS)) == [
        "GET /portal/v1/gone (titulaire): no request in tests/authz/requests"
    ]


@pytest.mark.parametrize(
    ("lines", "fault"),
    [
        (f"{HEADER[:-1]}\nportal;GET;/x;;;{YES}", "columns must be"),
        (f"{HEADER}\nportal;GET;/x;;;{YES[:-3]}no", "line 2: 'no'"),
        (f"{HEADER}\nportal;GET;/x;;;{YES}\nportal;GET;/x;;;{YES}", "GET /portal/v1/x"),
    ],
)
def test_expectations_that_cannot_be_read_are_refused(lines: str, fault: str) -> None:
    with pytest.raises(ExpectationsError, match=fault):
        read_expectations(io.StringIO(lines))


def test_a_bad_token_is_expected_to_open_nothing() -> None:
    strays = [
        f"{row}, {kind}"
        for row in load_expectations()
        for kind in BAD_TOKENS
        if row.verdicts[kind] is not Verdict.UNKNOWN
    ]

    assert strays == []


def test_more_rights_are_never_expected_to_open_less() -> None:
    growing = (
        CallerKind.NO_HABILITATION,
        CallerKind.CONSULTATION,
        CallerKind.MODIFICATION,
        CallerKind.SECONDARY_MANAGER,
        CallerKind.MAIN_MANAGER,
    )
    strays = [
        f"{row}, {less}, {more}"
        for row in load_expectations()
        for less, more in pairwise(growing)
        if row.verdicts[more] is Verdict.FORBIDDEN and not row.verdicts[less].is_refusal
    ]

    assert strays == []


def test_every_row_has_a_request() -> None:
    assert list(find_unprepared(load_expectations(), PREPARATIONS)) == []
