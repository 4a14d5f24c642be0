"""Errors, limits, health and figures over HTTP, without a server."""

import asyncio
import re
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from types import MappingProxyType
from typing import Annotated, Any, Literal

import httpx
import pytest
import structlog
from fastapi import APIRouter, FastAPI, File, Header, Query, Request, UploadFile
from fastapi.responses import StreamingResponse
from prometheus_client import REGISTRY
from prometheus_client.parser import text_string_to_metric_families
from pydantic import BaseModel, ConfigDict, Field
from pymongo.errors import DuplicateKeyError, OperationFailure, ServerSelectionTimeoutError
from starlette.types import Message

from shared.runtime.errors import NewerDocumentError, TooLargeError, TransientError
from shared.runtime.web.app import RequestMiddleware, create_app
from shared.runtime.web.body_limits import BodyLimits
from shared.runtime.web.caller import Caller
from shared.runtime.web.problems import build_not_found, build_refused
from shared.runtime.web.request_validation import DescribedRoute
from shared.vocabulary.rules import Violation
from shared.vocabulary.sizes import MEGABYTE
from tests.kit.fake_access import AUTHORIZATION, ME, build_ports, build_rights
from tests.kit.waiting import scale_timeout
from tests.kit.web_limits import BODY_LIMITS, build_caller_limits

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
TRACEPARENT = f"00-{TRACE}-00f067aa0ba902b7-01"

MANY_PARTS = b"".join(
    b'--b\r\ncontent-disposition: form-data; name="n"\r\n\r\n1\r\n' for _ in range(1001)
)


class Form(BaseModel):
    model_config = ConfigDict(extra="forbid")

    nom: str = Field(min_length=2, max_length=5)
    choix: Literal["a", "b"]
    body: int = 0


FAULTS: dict[str, Exception] = {
    "bug": KeyError("secret"),
    "store": ServerSelectionTimeoutError("no store"),
    "conflict": OperationFailure("conflict", 112),
    "duplicate": DuplicateKeyError("dup"),
    "transient": TransientError("later"),
    "large": TooLargeError("essai", 1_200_000, 1_000_000, "services"),
    "newer": NewerDocumentError("dossiers", ["d1"]),
    "missing": build_not_found("La pièce"),
    "rules": build_refused(
        [Violation("X-01", "a", "Non.", "Oui."), Violation("X-02", "b", "Si.", "Z.")]
    ),
}


def a_router() -> APIRouter:
    router = APIRouter(route_class=DescribedRoute)

    @router.get("/faults/{name}")
    async def fail(name: str) -> None:
        structlog.get_logger("services.essai").info("about.to.fail")
        raise FAULTS[name]

    @router.post("/forms")
    async def fill(form: Form, page: Annotated[int, Query()] = 1) -> int:
        return form.body + page

    @router.post("/bytes")
    async def read(request: Request) -> int:
        return len(await request.body())

    @router.post("/streams")
    async def stream(request: Request) -> int:
        return sum([len(part) async for part in request.stream()])

    @router.post("/files")
    async def keep(file: Annotated[UploadFile, File()]) -> int:
        return len(await file.read())

    @router.get("/me")
    async def who(me: Caller) -> str:
        return f"{me.structure} {me.role}"

    @router.get("/traced")
    async def traced(traceparent: Annotated[str | None, Header()] = None) -> str:
        structlog.get_logger("services.essai").info("seen", asked=traceparent)
        return str(structlog.contextvars.get_contextvars()["correlation_id"])

    router.get("/endless")(stream_for_ever)
    return router


async def stream_for_ever() -> StreamingResponse:
    async def frames() -> AsyncIterator[str]:
        while True:
            yield ": rien\n\n"
            await asyncio.sleep(0)

    return StreamingResponse(frames(), media_type="text/event-stream")


@asynccontextmanager
async def no_lifespan(_: FastAPI) -> AsyncIterator[None]:
    yield


@asynccontextmanager
async def client(
    missing: Sequence[str] = (),
    *,
    is_started: bool = True,
    headers: Mapping[str, str] = ME,
    needs: Mapping[str, str] = MappingProxyType({}),
    uploads: Mapping[str, int] = MappingProxyType({}),
    body_limits: BodyLimits = BODY_LIMITS,
    requests_each: int = 1000,
    caller_limits: tuple[int, int] = (0, 0),
    proxies: Sequence[str] = (),
    address: str = "192.0.2.7",
) -> AsyncIterator[httpx.AsyncClient]:
    async def readiness() -> Sequence[str]:
        return missing

    router = a_router()
    app = create_app(
        "essai",
        title="essai",
        description="",
        routers=[router],
        readiness=readiness,
        is_started=lambda: is_started,
        lifespan=no_lifespan,
        access=build_ports(),
        rights=build_rights([router], needs),
        uploads=uploads,
        body_limits=body_limits,
        requests_each=requests_each,
        caller_limits=build_caller_limits(*caller_limits, *proxies),
        proxies=proxies,
    )
    transport = httpx.ASGITransport(app, raise_app_exceptions=True, client=(address, 1))
    async with httpx.AsyncClient(
        transport=transport, base_url="http://essai/essai/v1", headers=headers
    ) as opened:
        yield opened


async def problem(response: httpx.Response, status: int, code: str) -> dict[str, Any]:
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    body: dict[str, Any] = response.json()
    assert body["code"] == code
    assert body["status"] == status
    assert body["type"] == "about:blank"
    assert body["title"]
    assert "Traceback" not in response.text
    return body


async def test_an_unknown_path_is_a_problem() -> None:
    async with client() as http:
        await problem(await http.get("/nowhere"), 404, "HTTP-404")


async def test_what_the_broker_would_not_carry_is_a_413_that_names_the_heaviest_field() -> None:
    async with client() as http:
        body = await problem(await http.get("/faults/large"), 413, "HTTP-EVENT-01")

    (violation,) = body["violations"]
    assert violation["field"] == "services"
    assert "1200000 octets, pour 1000000 au plus" in violation["message"]


async def test_a_request_that_a_stopping_server_cancels_is_a_503_to_come_back_for() -> None:
    sent: list[Message] = []

    async def wait(*_: object) -> Any:  # noqa: ANN401 - nothing ever comes
        await asyncio.Event().wait()

    async def send(message: Message) -> None:
        sent.append(message)

    app = FastAPI()
    app.state.prefix = ""
    scope = {"type": "http", "method": "GET", "path": "/", "headers": [], "app": app}
    request = asyncio.create_task(RequestMiddleware(wait)(scope, wait, send))
    await asyncio.sleep(0)
    request.cancel()
    with pytest.raises(asyncio.CancelledError):
        await request

    assert [sent[0]["status"], b"HTTP-STOP-01" in sent[1]["body"]] == [503, True]


async def test_what_a_newer_version_has_written_is_a_503_to_come_back_for() -> None:
    async with client() as http:
        response = await http.get("/faults/newer")

    body = await problem(response, 503, "HTTP-VERSION-01")
    assert response.headers["retry-after"] == "2"
    assert body["detail"].startswith("Une version plus récente du service a écrit")
    assert "d1" not in response.text


async def test_an_unforeseen_method_is_a_problem_that_says_which_are() -> None:
    async with client() as http:
        response = await http.delete("/forms")

        await problem(response, 405, "HTTP-405")
        assert response.headers["allow"] == "POST"


async def test_the_methods_of_a_path_that_is_read_are_get_and_head() -> None:
    async with client() as http:
        response = await http.post("/me")

        await problem(response, 405, "HTTP-405")
        assert response.headers["allow"] == "GET, HEAD"


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/me", 200),
        ("/faults/missing", 404),
        ("/faults/rules", 422),
        ("/faults/bug", 500),
        ("/me?page=1", 422),
        ("/nowhere", 404),
        ("/openapi.json", 200),
        ("/docs", 200),
        ("/docs/favicon.png", 200),
        ("http://essai/health/live", 200),
        ("http://essai/health/ready", 200),
    ],
)
async def test_head_is_answered_as_get_is_without_a_body(path: str, status: int) -> None:
    async with client() as http:
        got, head = await http.get(path), await http.head(path)

    assert (got.status_code, head.status_code) == (status, status)
    assert head.headers == got.headers
    assert int(head.headers["content-length"]) == len(got.content) > 0
    assert head.content == b""


async def test_head_of_what_has_no_end_ends() -> None:
    async with asyncio.timeout(scale_timeout(10)), client() as http:
        head = await http.head("/endless")

    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-type"].startswith("text/event-stream")


async def test_head_where_nothing_is_read_and_by_an_unknown_caller_is_refused() -> None:
    async with client() as http:
        unforeseen = await http.head("/forms")
    async with client(headers={}) as http:
        unknown = await http.head("/me")

    assert (unforeseen.status_code, unforeseen.headers["allow"]) == (405, "POST")
    assert unknown.status_code == 401


async def test_head_is_counted_under_its_route() -> None:
    def count() -> float:
        labels = {"method": "HEAD", "route": "/me", "status": "200"}
        return REGISTRY.get_sample_value("aiguillage_http_request_seconds_count", labels) or 0

    before = count()
    async with client() as http:
        await http.head("/me")

    assert count() == before + 1


@pytest.mark.parametrize("name", ["bug", "duplicate"])
async def test_a_bug_is_answered_without_its_inside(name: str) -> None:
    async with client() as http:
        response = await http.get(f"/faults/{name}")

        body = await problem(response, 500, "HTTP-500")
        assert "secret" not in response.text
        assert body["detail"] == "Une erreur interne a empêché de répondre."


@pytest.mark.parametrize("name", ["store", "conflict", "transient"])
async def test_a_store_that_is_away_asks_to_come_back(name: str) -> None:
    async with client() as http:
        response = await http.get(f"/faults/{name}")

        await problem(response, 503, "HTTP-503")
        assert int(response.headers["retry-after"]) > 0


async def test_errors_are_timed_like_any_answer() -> None:
    labels = {"method": "GET", "route": "/faults/{name}", "status": "500"}

    def count() -> float:
        return REGISTRY.get_sample_value("aiguillage_http_request_seconds_count", labels) or 0

    before = count()
    async with client() as http:
        await http.get("/faults/bug")

    assert count() == before + 1


async def test_every_broken_rule_is_listed() -> None:
    async with client() as http:
        body = await problem(await http.get("/faults/rules"), 422, "X-01")

        assert body["violations"] == [
            {"code": "X-01", "field": "a", "message": "Non.", "remedy": "Oui."},
            {"code": "X-02", "field": "b", "message": "Si.", "remedy": "Z."},
        ]


async def test_a_form_is_refused_in_french_by_field() -> None:
    async with client() as http:
        response = await http.post(
            "/forms?page=x", json={"nom": "x", "choix": "c", "body": "y", "de_trop": 1}
        )

        body = await problem(response, 422, "HTTP-FORM-01")
        violations = {each["field"]: each["message"] for each in body["violations"]}
        assert violations == {
            "page": "Un nombre entier est attendu.",
            "nom": "Ce texte est trop court : 2 caractères au moins.",
            "choix": "Cette valeur ne fait pas partie des valeurs prévues : 'a' ou 'b'.",
            "body": "Un nombre entier est attendu.",
            "de_trop": "Le champ « de_trop » n'existe pas.",
        }


async def test_bad_json_is_no_field() -> None:
    async with client() as http:
        response = await http.post(
            "/forms", content=b'{"nom": ', headers={"content-type": "application/json"}
        )

        body = await problem(response, 422, "HTTP-FORM-01")
        (violation,) = body["violations"]
        assert violation["field"] == "requête"


async def in_parts(size: int) -> AsyncIterator[bytes]:
    for start in range(0, size, 64 * 1024):
        yield b"x" * min(64 * 1024, size - start)


@pytest.mark.parametrize("path", ["/bytes", "/streams", "/forms"])
@pytest.mark.parametrize("is_announced", [True, False])
async def test_a_body_over_the_limit_is_refused_announced_or_not(
    path: str, *, is_announced: bool
) -> None:
    size = MEGABYTE + 1
    headers = {"content-type": "application/json"}
    async with client() as http:
        content = b"x" * size if is_announced else in_parts(size)
        response = await http.post(path, content=content, headers=headers)

        body = await problem(response, 413, "HTTP-413")
        assert body["detail"] == "L'envoi dépasse 1 Mo : rien n'a été gardé."


@pytest.mark.parametrize("digits", [30, 5000])
async def test_a_length_beyond_any_number_is_over_the_limit(digits: int) -> None:
    headers = {"content-type": "application/json", "content-length": "9" * digits}
    async with client() as http:
        response = await http.post("/bytes", content=b"{}", headers=headers)

        await problem(response, 413, "HTTP-413")


async def test_a_file_over_the_limit_is_refused_though_its_size_is_not_announced() -> None:
    async def multipart() -> AsyncIterator[bytes]:
        yield b'--b\r\ncontent-disposition: form-data; name="file"; filename="f"\r\n\r\n'
        async for part in in_parts(MEGABYTE):
            yield part
        yield b"\r\n--b--\r\n"

    async with client() as http:
        response = await http.post(
            "/files",
            content=multipart(),
            headers={"content-type": "multipart/form-data; boundary=b"},
        )

        await problem(response, 413, "HTTP-413")


async def test_a_body_at_the_limit_is_read() -> None:
    async with client() as http:
        response = await http.post("/bytes", content=in_parts(MEGABYTE))

        assert response.json() == MEGABYTE


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({}, "HTTP-JETON-01"),
        ({"x-structure": "s", "x-role": "moe"}, "HTTP-JETON-01"),
        ({**ME, "authorization": "Basic YTpi"}, "HTTP-JETON-02"),
        ({**ME, "authorization": "Bearer"}, "HTTP-JETON-02"),
        ({**ME, "authorization": "Bearer a b"}, "HTTP-JETON-02"),
        ({**ME, "authorization": "Bearer other"}, "HTTP-JETON-02"),
    ],
)
async def test_a_caller_whose_token_is_not_good_is_refused(
    headers: dict[str, str], code: str
) -> None:
    async with client(headers=headers) as http:
        answer = await http.get("/me")

    await problem(answer, 401, code)
    wanted = 'Bearer realm="aiguillage"'
    error = ', error="invalid_token"' if code != "HTTP-JETON-01" else ""
    assert answer.headers["www-authenticate"] == wanted + error


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({}, "HTTP-CALLER-02"),
        ({"x-structure": "s"}, "HTTP-CALLER-02"),
        ({"x-role": "moe"}, "HTTP-CALLER-02"),
        ({"x-structure": "s", "x-role": "roi"}, "HTTP-CALLER-03"),
        ({"x-structure": "s", "x-role": "moe", "x-service": "%FF"}, "HTTP-CALLER-09"),
        ({"x-desk": "cuisine"}, "HTTP-CALLER-05"),
    ],
)
async def test_a_caller_says_for_whom_it_acts(headers: dict[str, str], code: str) -> None:
    async with client(headers={**AUTHORIZATION, **headers}) as http:
        await problem(await http.get("/me"), 400, code)


@pytest.mark.parametrize("name", ["authorization", "x-structure", "x-role", "x-service", "x-desk"])
async def test_a_header_of_identity_is_given_once(name: str) -> None:
    value = {**ME, "x-service": "a", "x-desk": "metier"}[name]
    headers = [*(each for each in ME.items() if each[0] != name), (name, value), (name, value)]
    async with client(headers={}) as http:
        await problem(await http.get("/me", headers=headers), 400, "HTTP-CALLER-08")


async def test_a_header_of_a_token_is_short() -> None:
    async with client(headers={"authorization": "Bearer " + "a" * 8186}) as http:
        await problem(await http.get("/me"), 431, "HTTP-JETON-10")
    async with client(headers={"authorization": "Bearer " + "a" * 8185}) as http:
        await problem(await http.get("/me"), 401, "HTTP-JETON-02")


@pytest.mark.parametrize("path", ["/bytes", "/streams", "/forms", "/files", "/nowhere"])
@pytest.mark.parametrize("headers", [{}, {"x-desk": "roi", "x-agent": "a"}])
async def test_nothing_is_read_of_what_a_stranger_sends(path: str, headers: dict[str, str]) -> None:
    sent = 0

    async def body() -> AsyncIterator[bytes]:
        nonlocal sent
        while sent < 100:
            sent += 1
            yield b"x" * 1024

    async with client(headers=headers) as http:
        response = await http.post(path, content=body())

    assert response.status_code == 401
    assert sent == 0


@pytest.mark.parametrize(
    "path",
    ["/health/live", "/health/ready", "/metrics", "/essai/v1/docs", "/essai/v1/openapi.json"],
)
async def test_who_looks_after_the_service_need_not_be_named(path: str) -> None:
    async with client(headers={}) as http:
        assert (await http.get(f"http://essai{path}")).status_code == 200


async def test_the_documentation_page_loads_nothing_from_another_host() -> None:
    async with client(headers={}) as http:
        page = (await http.get("http://essai/essai/v1/docs")).text
        assets = re.findall(r'(?:src|href)="([^"]+)"', page)
        answers = [await http.get(f"http://essai{path}") for path in assets]

    assert "//" not in re.sub("<!--.*?-->", "", page)
    assert '"validatorUrl": null' in page
    assert {path.rpartition("/")[0] for path in assets} == {"/essai/v1/docs"}
    async with client() as http:
        for path in ("/essai/v1/docs", *assets):
            assert (await http.head(f"http://essai{path}")).status_code == 200
    kinds = {each.headers["content-type"].partition(";")[0]: len(each.content) for each in answers}
    assert [each.status_code for each in answers] == [200] * 3
    assert set(kinds) == {"text/javascript", "text/css", "image/png"}
    assert min(kinds.values()) > 1000


@pytest.mark.parametrize(
    "path", ["/docs/redoc.standalone.js", "/docs/", "/docs/../core.py", "/docs/%2e%2e/core.py"]
)
async def test_nothing_else_is_served_below_the_documentation_page(path: str) -> None:
    async with client(headers={}) as http:
        answer = await http.get(at_root(f"/essai/v1{path}"))
    assert answer.status_code in {401, 404}


ODD = [
    "/bytes",
    "//essai/v1/bytes",
    "/essai//v1/bytes",
    "/essai/v1//bytes",
    "/essai/v2/bytes",
    "/autre/v1/bytes",
    "/essai/v1/Bytes",
    "/docs",
    "/openapi.json",
    "/health",
    "/essai/v1/health/live",
    "/essai/v1/metrics",
    "/%65ssai/v1/bytes%00",
]
"""Paths that are nearly those of a route."""


@pytest.mark.parametrize("path", ODD)
async def test_an_odd_spelling_of_a_path_is_open_to_nobody_and_takes_no_large_body(
    path: str,
) -> None:
    opened = {"needs": {"/bytes": "public"}, "uploads": {"/bytes": 3}}
    headers = {"content-type": FORM_TYPE}
    async with client(headers={}, **opened) as http:  # type: ignore[arg-type]
        alone = await http.post(at_root(path), content=b"x", headers=headers)
    async with client(**opened) as http:  # type: ignore[arg-type]
        named = await http.post(at_root(path), content=b"x", headers=headers)
        large = await http.post(at_root(path), content=b"x" * (MEGABYTE + 1), headers=headers)

    is_for_operators = path == "/health"
    assert (alone.status_code, named.status_code) == (404 if is_for_operators else 401, 404)
    assert large.status_code == 413


@pytest.mark.parametrize("path", ["/%65ssai/v1/bytes", "/essai%2Fv1%2Fbytes", "/essai/v1/b%79tes"])
async def test_an_encoded_spelling_of_a_route_has_the_limits_of_the_route(path: str) -> None:
    headers = {"content-type": FORM_TYPE}
    async with client(headers={}) as http:
        await problem(await http.post(at_root(path), content=b"x"), 401, "HTTP-JETON-01")
    async with client(uploads={"/bytes": 3}) as http:
        within = await http.post(at_root(path), content=b"x" * 3 * MEGABYTE, headers=headers)
        assert within.json() == 3 * MEGABYTE
        over = await http.post(at_root(path), content=b"x" * (3 * MEGABYTE + 1), headers=headers)
        assert over.status_code == 413


async def test_a_path_with_a_slash_at_the_end_is_another_one() -> None:
    needs = {"/bytes": "public"}
    async with client(headers={}, needs=needs) as http:
        await problem(await http.post("/bytes/", content=b"x"), 401, "HTTP-JETON-01")
    async with client(needs=needs) as http:
        await problem(await http.post("/bytes/", content=b"x"), 404, "HTTP-404")


@pytest.mark.parametrize("path", ["/bytes/", "/me/", "/docs/", "/openapi.json/"])
async def test_no_answer_sends_a_client_to_the_host_that_a_request_names(path: str) -> None:
    async with client() as http:
        answer = await http.get(path, headers={"host": "evil.example"})

    await problem(answer, 404, "HTTP-404")
    assert "location" not in answer.headers


def at_root(path: str) -> httpx.URL:
    """Spell a path as it stands: httpx would put it in order."""
    return httpx.URL("http://essai").copy_with(raw_path=path.encode())


async def test_the_description_names_the_public_paths_and_no_others() -> None:
    async with client(headers={}) as http:
        described = (await http.get("/openapi.json")).json()

    assert described["paths"]
    assert all(path.startswith("/essai/v1/") for path in described["paths"])


async def test_an_open_path_ends_where_a_segment_does() -> None:
    async with client(headers={}, needs={"/forms": "public"}) as http:
        await problem(await http.post("/bytes", content=b"x"), 401, "HTTP-JETON-01")


async def test_a_stranger_is_let_in_where_a_service_is_open_with_less_to_send() -> None:
    async with client(headers={}, needs={"/bytes": "public"}) as http:
        assert (await http.post("/bytes", content=b"x" * 2**17)).json() == 2**17
        over = await problem(await http.post("/bytes", content=b"x" * (2**17 + 1)), 413, "HTTP-413")
        assert over["detail"] == "L'envoi dépasse 128 Ko : rien n'a été gardé."
        await problem(await http.post("/streams", content=b"x"), 401, "HTTP-JETON-01")
    async with client(needs={"/bytes": "public"}) as http:
        assert (await http.post("/streams", content=b"x" * 2**20)).json() == 2**20


FORM_TYPE = "Multipart/Form-Data; boundary=b"


async def status_of(path: str, content_type: str | None, size: int) -> int:
    headers = {"content-type": content_type} if content_type else {}
    async with client(uploads={"/files": 3, "/bytes": 3}) as http:
        return (await http.post(path, content=b"x" * size, headers=headers)).status_code


@pytest.mark.parametrize(
    ("path", "content_type", "size", "status"),
    [
        ("/bytes", FORM_TYPE, 3 * MEGABYTE, 200),
        ("/bytes", FORM_TYPE, 3 * MEGABYTE + 1, 413),
        ("/streams", FORM_TYPE, MEGABYTE + 1, 413),
        ("/bytes", "application/json", MEGABYTE + 1, 413),
        ("/bytes", "application/x-www-form-urlencoded", MEGABYTE + 1, 413),
        ("/bytes", "application/json; x=multipart/form-data", MEGABYTE + 1, 413),
        ("/bytes", "multipart/form-data+json", MEGABYTE + 1, 413),
        ("/bytes", None, MEGABYTE + 1, 413),
        ("/bytes", "application/json", MEGABYTE, 200),
    ],
)
async def test_a_form_alone_is_large_and_only_where_files_are_taken(
    path: str, content_type: str | None, size: int, status: int
) -> None:
    assert await status_of(path, content_type, size) == status


async def test_of_two_types_the_one_that_the_framework_reads_decides() -> None:
    async with client(uploads={"/forms": 3}) as http:
        response = await http.post(
            "/forms",
            content=b"x" * (MEGABYTE + 1),
            headers=[("content-type", "application/json"), ("content-type", FORM_TYPE)],
        )

    await problem(response, 413, "HTTP-413")


@asynccontextmanager
async def body_on_its_way(
    http: httpx.AsyncClient, path: str, headers: Mapping[str, str]
) -> AsyncIterator[None]:
    """Keep a request in flight, of which one byte has not come."""
    is_read, may_end = asyncio.Event(), asyncio.Event()

    async def send() -> AsyncIterator[bytes]:
        is_read.set()
        yield b"x"
        await may_end.wait()
        yield b"x"

    task = asyncio.create_task(http.post(path, content=send(), headers=headers))
    await asyncio.wait_for(is_read.wait(), scale_timeout(10))
    try:
        yield
    finally:
        may_end.set()
        assert (await task).json() == 2


@pytest.mark.parametrize("spelling", ["s1%c3%a9", "%731%C3%A9", "s%31e%CC%81"])
async def test_a_structure_has_one_quarter_of_the_uploads_however_it_is_spelt(
    spelling: str,
) -> None:
    limits = replace(BODY_LIMITS, uploads_mb=4, upload_wait_s=0.05)
    form = {"content-type": FORM_TYPE, "content-length": str(MEGABYTE)}
    first, again = ({**form, "x-structure": each} for each in ("s1%C3%A9", spelling))
    other = {**form, "x-structure": "s2"}
    async with (
        client(uploads={"/bytes": 3}, body_limits=limits) as http,
        body_on_its_way(http, "/bytes", first),
    ):
        await problem(await http.post("/bytes", content=b"x", headers=again), 429, "HTTP-429")
        assert (await http.post("/bytes", content=b"x", headers=other)).json() == 1


async def test_a_structure_that_was_not_judged_gives_no_further_quarter() -> None:
    limits = replace(BODY_LIMITS, uploads_mb=4, upload_wait_s=0.05)
    form = {"content-type": FORM_TYPE, "content-length": str(MEGABYTE), "x-desk": "technique"}
    async with (
        client(uploads={"/bytes": 3}, body_limits=limits, needs={"/bytes": "desk"}) as http,
        body_on_its_way(http, "/bytes", {**form, "x-structure": "s1"}),
    ):
        answer = await http.post("/bytes", content=b"x", headers={**form, "x-structure": "s2"})
        await problem(answer, 429, "HTTP-429")


async def test_requests_in_progress_of_a_client_address_are_bounded_and_freed() -> None:
    async with client(requests_each=1) as http:
        async with body_on_its_way(http, "/bytes", {}):
            refused_one = await http.get("/me")
            await problem(refused_one, 429, "HTTP-429")
            assert refused_one.headers["retry-after"]
        assert (await http.get("/me")).status_code == 200
        broken = await http.post("/bytes", content=broken_body())
        assert broken.status_code == 503
        assert (await http.get("/me")).status_code == 200


async def broken_body() -> AsyncIterator[bytes]:
    yield b"x"
    raise ConnectionError


async def test_a_proxy_that_names_no_client_is_not_bounded_as_one() -> None:
    async with (
        client(requests_each=1, proxies=["192.0.2.0/24"]) as http,
        body_on_its_way(http, "/bytes", {}),
    ):
        assert (await http.get("/me")).status_code == 200


async def test_a_route_has_a_need_of_its_own() -> None:
    needs = {"/bytes": "desk"}
    async with client(headers={**AUTHORIZATION, "x-desk": "technique"}, needs=needs) as http:
        assert (await http.post("/bytes", content=b"abc")).json() == 3
    async with client(needs=needs) as http:
        await problem(await http.post("/bytes", content=b"abc"), 400, "HTTP-CALLER-04")
    async with client(needs={"/bytes": "operator"}) as http:
        await problem(await http.post("/bytes", content=b"abc"), 403, "HTTP-DROIT-05")


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"x-structure": "s"}, 401),
        ({"authorization": "Bearer other"}, 401),
        ({"authorization": "Basic YTpi"}, 200),
        ({**ME, "x-role": "roi"}, 400),
        (ME, 200),
    ],
)
async def test_a_name_must_hold_where_strangers_may_come(
    headers: dict[str, str], status: int
) -> None:
    async with client(headers=headers, needs={"/bytes": "public | member"}) as http:
        assert (await http.post("/bytes", content=b"abc")).status_code == status


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("s" * 101, "HTTP-CALLER-06"),
        ("%C3%A9" * 101, "HTTP-CALLER-06"),
        ("a%0Ab", "HTTP-CALLER-06"),
        ("%E2%80%AEb", "HTTP-CALLER-06"),
        ("%FF", "HTTP-CALLER-06"),
        ("%20a", "HTTP-CALLER-06"),
        ("%E3%85%A4", "HTTP-CALLER-06"),
        ("-", "HTTP-CALLER-06"),
        ("%C3%A9" * 100, None),
    ],
)
async def test_an_identifier_is_judged_as_it_is_decoded(name: str, code: str | None) -> None:
    async with client(headers={**ME, "x-structure": name}) as http:
        response = await http.get("/me")

    if code:
        await problem(response, 400, code)
    else:
        assert response.json() == "é" * 100 + " moe"


@pytest.mark.parametrize("body", [b"--b\r\nno colon\r\n\r\n", MANY_PARTS])
async def test_a_form_that_cannot_be_read_is_refused_in_french(body: bytes) -> None:
    async with client() as http:
        response = await http.post(
            "/files", content=body, headers={"content-type": "multipart/form-data; boundary=b"}
        )

    told = await problem(response, 400, "HTTP-400")
    assert told["detail"].startswith("Le corps de la requête n'a pas pu être lu")


async def test_a_caller_is_a_structure_and_a_role() -> None:
    async with client() as http:
        response = await http.get("/me", headers={"x-structure": "s%20%C3%A9", "x-role": "moe"})

        assert response.json() == "s é moe"


async def test_a_service_that_misses_something_is_live_and_not_ready() -> None:
    async with client(["la base ne répond pas"]) as http:
        assert (await http.get("http://essai/health/live")).status_code == 200
        response = await http.get("http://essai/health/ready")

        body = await problem(response, 503, "HTTP-READY-01")
        assert body["detail"] == "Pas encore prêt : la base ne répond pas."
        assert response.headers["retry-after"]


async def test_a_service_that_misses_nothing_is_ready() -> None:
    async with client() as http:
        assert (await http.get("http://essai/health/ready")).json() == {"status": "ready"}


async def test_figures_are_read_by_the_parser_of_prometheus() -> None:
    async with client() as http:
        text = (await http.get("http://essai/metrics")).text

    names = {family.name for family in text_string_to_metric_families(text)}
    assert {
        "aiguillage_messages",
        "aiguillage_waits",
        "aiguillage_published",
        "aiguillage_outbox_depth",
        "aiguillage_outbox_refused_keys",
        "aiguillage_dead_letters",
        "aiguillage_parked_messages",
        "aiguillage_http_request_seconds",
    } <= names


async def test_a_request_is_part_of_the_trace_that_it_names() -> None:
    trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    async with client() as http:
        named = await http.get(
            "/traced", headers={"traceparent": f"00-{trace}-00f067aa0ba902b7-01"}
        )
        malformed = await http.get("/traced", headers={"traceparent": f"00-{trace}"})
        unnamed = await http.get("/traced")

    assert named.json() == TRACE
    assert len({TRACE, malformed.json(), unnamed.json()}) == 3


async def test_a_line_logged_for_a_request_carries_its_correlation_id(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with client() as http:
        await http.get("/faults/bug", headers={"traceparent": TRACEPARENT})

    lines = [record.msg for record in caplog.records if isinstance(record.msg, dict)]
    assert [line["event"] for line in lines] == ["about.to.fail", "request.failed"]
    assert {TRACE} == {line["correlation_id"] for line in lines}


async def test_nobody_is_answered_before_the_directories_are_read() -> None:
    async with client(is_started=False) as starting:
        answer = await starting.get("/nulle-part")
        live = await starting.get("http://essai/health/live")

    body = await problem(answer, 503, "HTTP-READY-01")
    assert "annuaires" in body["detail"]
    assert answer.headers["Retry-After"]
    assert live.status_code == 200
