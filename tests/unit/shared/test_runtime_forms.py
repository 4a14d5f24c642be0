"""Forms are read whole and as described, or refused; and what they held is let go of."""

import gc
import os
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated, Any

import httpx
import pytest
import pytest_asyncio
from fastapi import APIRouter, FastAPI, File, Form, UploadFile

from shared.runtime.web.app import create_app
from shared.runtime.web.request_validation import DescribedRoute
from shared.vocabulary.sizes import MEGABYTE
from tests.kit.fake_access import ME, build_ports, build_rights
from tests.kit.web_limits import BODY_LIMITS, build_caller_limits

LARGE = bytes(300 * 1024)
"""A file of that size waits on disk."""


def a_router() -> APIRouter:
    router = APIRouter(route_class=DescribedRoute)

    @router.post("/pieces")
    async def take(
        file: Annotated[UploadFile, File()],
        metadata: Annotated[str, Form()] = "{}",
        comment: Annotated[str | None, Form()] = None,
        attachments: Annotated[list[UploadFile] | None, File()] = None,
    ) -> dict[str, Any]:
        return {
            "file": [file.filename, len(await file.read())],
            "metadata": metadata,
            "comment": comment,
            "attachments": [[each.filename, len(await each.read())] for each in attachments or ()],
        }

    @router.post("/notes")
    async def note(text: Annotated[str | None, Form()] = None) -> str | None:
        return text

    return router


@asynccontextmanager
async def no_lifespan(_: FastAPI) -> AsyncIterator[None]:
    yield


async def nothing_missing() -> list[str]:
    return []


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def http() -> AsyncIterator[httpx.AsyncClient]:
    router = a_router()
    app = create_app(
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
        uploads={"/pieces": 5},
    )
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app), base_url="http://essai/essai/v1", headers=ME
    ) as opened:
        yield opened


@pytest.fixture(scope="module", autouse=True)
def _others_are_not_collected() -> None:
    """Freeze what other tests left, so that each collection here looks at its own test's."""
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def _no_file_is_left() -> Iterable[None]:
    gc.collect()
    before = temporary_files()
    yield
    # Not collected: what was refused is closed, not forgotten.
    assert temporary_files() == before


def temporary_files() -> int:
    """Count the files on disk that this process holds open and that have no name."""
    return sum("(deleted)" in os.path.realpath(each) for each in Path("/proc/self/fd").iterdir())


def part(name: str, content: bytes = b"x", *, filename: str | None = None, **headers: str) -> bytes:
    said = f'form-data; name="{name}"' + (
        f'; filename="{filename}"' if filename is not None else ""
    )
    lines = {"Content-Disposition": said} | {
        key.replace("_", "-"): value for key, value in headers.items()
    }
    head = "".join(f"{key}: {value}\r\n" for key, value in lines.items())
    return b"--b\r\n" + head.encode() + b"\r\n" + content + b"\r\n"


FILE = part("file", LARGE, filename="a.xml")
END = b"--b--\r\n"


async def send(
    http: httpx.AsyncClient,
    body: bytes,
    content_type: str = "multipart/form-data; boundary=b",
    *,
    pieces: int = 1,
    path: str = "/pieces",
) -> httpx.Response:
    """Send a body, cut in so many pieces."""

    async def cut() -> AsyncIterator[bytes]:
        size = -(-len(body) // pieces) or 1
        for start in range(0, len(body), size):
            yield body[start : start + size]

    headers = {"content-type": content_type} if content_type else {}
    return await http.post(path, content=cut(), headers=headers)


def fields(answer: httpx.Response) -> list[str]:
    assert (answer.status_code, answer.json()["code"]) == (422, "HTTP-FORM-01"), answer.text
    return [each["field"] for each in answer.json()["violations"]]


@pytest.mark.parametrize("pieces", [1, 2, 3, 997, 4096])
async def test_a_form_is_read_however_it_is_cut(http: httpx.AsyncClient, pieces: int) -> None:
    body = FILE + part("metadata", b'{"a": 1}') + part("attachments", b"1", filename="1.pdf")
    body += part("attachments", b"22", filename="2.pdf") + END

    answer = await send(http, body, pieces=pieces)

    assert answer.json() == {
        "file": ["a.xml", len(LARGE)],
        "metadata": '{"a": 1}',
        "comment": None,
        "attachments": [["1.pdf", 1], ["2.pdf", 2]],
    }


ATTACHED = part("attachments", LARGE, filename="1.pdf")
SAID = b"--b\r\nContent-Disposition: "
MALFORMED = {
    "no closing boundary": FILE + ATTACHED[:-2],
    "no closing boundary, a whole part": FILE + ATTACHED,
    "an open boundary instead": FILE + ATTACHED + b"--b\r\n",
    "a boundary cut in the middle": FILE + ATTACHED + b"--b-",
    "a cut before the last boundary": FILE + ATTACHED + b"--",
    "cut in a part's headers": FILE + SAID + b'form-data; name="com',
    "cut after a part's headers": FILE + SAID + b'form-data; name="comment"\r\n',
    "cut before a part's bytes": FILE + part("comment")[:-3],
    "data behind the end": FILE + END + b"more",
    "parts behind the end": FILE + END + ATTACHED + END,
    "another end": FILE + END + END,
    "nothing": b"",
    "no boundary at all": b"file=x",
    "no name": FILE + SAID + b"form-data\r\n\r\nx\r\n" + END,
    "an empty name": FILE + part("", b"x") + END,
    "no disposition": FILE + b"--b\r\nContent-Type: text/plain\r\n\r\nx\r\n" + END,
    "no form-data": FILE + SAID + b'attachment; name="comment"\r\n\r\nx\r\n' + END,
    "two dispositions": FILE + part("comment", content_disposition='form-data; name="x"') + END,
    "two names": FILE + SAID + b"form-data; name=a; name=comment\r\n\r\n\r\n" + END,
    "a header of 1 MB": FILE + part("comment", X_Long="x" * MEGABYTE) + END,
    "many headers": FILE + SAID + b"form-data; name=comment\r\n" + b"X: y\r\n" * 9 + b"\r\n" + END,
    "many parts": FILE + part("attachments", b"x", filename="a.pdf") * 500 + END,
    "no line end in a header": FILE + SAID + b"form-data\n\n" + END,
}


@pytest.mark.parametrize("pieces", [1, 7])
@pytest.mark.parametrize("name", MALFORMED)
async def test_a_form_that_is_not_whole_is_refused(
    http: httpx.AsyncClient, name: str, pieces: int
) -> None:
    answer = await send(http, MALFORMED[name], pieces=pieces)

    body = answer.json()
    assert (answer.status_code, body["code"]) == (400, "HTTP-400"), body
    assert body["detail"].startswith("Le corps de la requête n'a pas pu être lu : ")
    assert body["detail"].endswith("Rien n'a été gardé.")


@pytest.mark.parametrize(
    "content_type",
    [
        "multipart/form-data",
        "multipart/form-data; boundary=",
        'multipart/form-data; boundary=""',
        "multipart/form-data; boundary=c",
        "multipart/form-data; boundary=b; boundary=c",
        "multipart/form-data; boundary=" + "b" * 10_000,
        'multipart/form-data; boundary="b',
    ],
)
async def test_a_form_needs_its_boundary(http: httpx.AsyncClient, content_type: str) -> None:
    answer = await send(http, FILE + END, content_type)

    assert (answer.status_code, answer.json()["code"]) == (400, "HTTP-400")


@pytest.mark.parametrize("content_type", ["", "application/json", "text/plain", "multipart/mixed"])
async def test_what_is_no_form_is_refused_where_one_is_due(
    http: httpx.AsyncClient, content_type: str
) -> None:
    for path in ("/pieces", "/notes"):
        answer = await send(http, FILE + END, content_type, path=path)

        assert (answer.status_code, answer.json()["code"]) == (415, "HTTP-415")


@pytest.mark.parametrize("end", [b"--b--", b"--b--\r\n", b"--b--\r\n\r\n", b"--b-- \t\r\n"])
async def test_blanks_may_follow_the_end(http: httpx.AsyncClient, end: bytes) -> None:
    for pieces in (1, 5000):
        assert (await send(http, FILE + end, pieces=pieces)).status_code == 200


async def test_a_form_without_a_part_lacks_its_fields(http: httpx.AsyncClient) -> None:
    assert fields(await send(http, END)) == ["file"]
    assert (await send(http, END, path="/notes")).status_code == 200


@pytest.mark.parametrize("name", ["attachments[]", "attachment", "piece_jointe", "File", "a" * 900])
async def test_an_unknown_part_is_named_beside_those_that_exist(
    http: httpx.AsyncClient, name: str
) -> None:
    sent = FILE + part(name, LARGE, filename="1.pdf") + part(name, b"x") + part("autre") + END

    answer = await send(http, sent)

    assert fields(answer) == [name[:60], "autre"]
    for each in answer.json()["violations"]:
        assert "celles qui existent : file, metadata, comment, attachments." in each["message"]


@pytest.mark.parametrize("name", ["file", "metadata", "comment"])
async def test_what_is_due_once_comes_once(http: httpx.AsyncClient, name: str) -> None:
    one = part(name, LARGE, filename="b.xml") if name == "file" else part(name)

    answer = await send(http, FILE + one * (1 if name == "file" else 2) + END)

    assert fields(answer) == [name]


@pytest.mark.parametrize(
    ("sent", "name"),
    [
        (part("file", b"<x/>"), "file"),
        (FILE + part("attachments", b"1"), "attachments"),
        (FILE + part("metadata", b"{}", filename="blob"), "metadata"),
        (FILE + part("comment", LARGE, filename=""), "comment"),
        (part("file", b"<x/>", filename=""), "file"),
    ],
)
async def test_a_text_is_no_file_and_a_file_no_text(
    http: httpx.AsyncClient, sent: bytes, name: str
) -> None:
    assert fields(await send(http, sent + END)) == [name]


async def test_a_file_that_nobody_chose_is_none(http: httpx.AsyncClient) -> None:
    sent = FILE + part("attachments", b"", filename="", Content_Type="application/octet-stream")

    assert (await send(http, sent + END)).json()["attachments"] == []


@pytest.mark.parametrize("encoding", ["base64", "quoted-printable", "BASE64", "gzip"])
async def test_an_encoded_part_is_refused_and_not_kept_as_it_is(
    http: httpx.AsyncClient, encoding: str
) -> None:
    sent = part("file", b"PHgvPg==", filename="a.xml", Content_Transfer_Encoding=encoding) + END

    assert fields(await send(http, sent)) == ["file"]


@pytest.mark.parametrize("encoding", ["binary", "8bit", "7bit"])
async def test_a_part_may_say_that_it_is_not_encoded(
    http: httpx.AsyncClient, encoding: str
) -> None:
    sent = part("file", b"<x/>", filename="a.xml", Content_Transfer_Encoding=encoding) + END

    assert (await send(http, sent)).json()["file"] == ["a.xml", 4]


async def test_parts_within_a_part_are_refused(http: httpx.AsyncClient) -> None:
    inner = b'--c\r\nContent-Disposition: file; filename="1.pdf"\r\n\r\n1\r\n--c--'
    sent = part("attachments", inner, filename="x", Content_Type="multipart/mixed; boundary=c")

    assert fields(await send(http, FILE + sent + END)) == ["attachments"]


@pytest.mark.parametrize(
    ("charset", "content", "read"),
    [
        (None, "é".encode(), "é"),
        (None, "é".encode("latin-1"), None),
        ("utf-8", "é".encode(), "é"),
        ("ISO-8859-1", "é".encode("latin-1"), "é"),
        ('"windows-1252"', "’".encode("cp1252"), "’"),
        ("utf-16", "é".encode("utf-16"), "é"),
        ("us-ascii", "é".encode(), None),
        ("punycode", b"a" * 1000, None),
        ("rot13", b"a", None),
    ],
)
async def test_a_text_is_read_in_the_charset_that_it_says(
    http: httpx.AsyncClient, charset: str | None, content: bytes, read: str | None
) -> None:
    said = {"Content_Type": f"text/plain; charset={charset}"} if charset else {}

    answer = await send(http, FILE + part("comment", content, **said) + END)

    if read is None:
        assert fields(answer) == ["comment"]
    else:
        assert answer.json()["comment"] == read


async def test_texts_are_bounded_together(http: httpx.AsyncClient) -> None:
    texts = part("metadata", b"x" * (MEGABYTE - 10)) + part("comment", b"x" * 20)

    answer = await send(http, FILE + texts + END)

    assert (answer.status_code, answer.json()["code"]) == (413, "HTTP-413")


async def test_a_body_over_its_limit_leaves_no_file(http: httpx.AsyncClient) -> None:
    answer = await send(http, FILE + part("attachments", bytes(6 * MEGABYTE), filename="a"))

    assert (answer.status_code, answer.json()["code"]) == (413, "HTTP-413")


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"text=%C3%A9+b", 200),
        (b"text=", 200),
        (b"", 200),
        (b"text=%E9", 400),
        ("text=é".encode("latin-1"), 400),
        (b"text=a&text=b", 422),
        (b"texte=a", 422),
        (b"text=a&autre[]=b", 422),
        (b"&".join([b"text=a"] * 300), 400),
    ],
)
async def test_pairs_are_held_to_the_same(
    http: httpx.AsyncClient, body: bytes, status: int
) -> None:
    answer = await send(http, body, "application/x-www-form-urlencoded", path="/notes")

    assert answer.status_code == status, answer.text
