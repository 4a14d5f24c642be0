"""Files and requests that mean harm: each gets a named answer, and the service stays up."""

import asyncio
import time
from collections.abc import AsyncIterator

import httpx
import pytest

from deploy.local import einvoices
from shared.vocabulary.roles import Role
from tests.integration.deposit.world import World, acting, an_opener, beside, codes
from tests.kit import hostile_pdfs
from tests.kit.waiting import scale_timeout

_LONGEST_ANSWER_S = 5.0
"""Of a probe, on a busy machine; such files took the whole service 19 s and more."""
_CHUNK = bytes(1024 * 1024)
_UBL = einvoices.write_ubl(an_opener())
_LAUGHS = b"<!DOCTYPE x [<!ENTITY a 'ha'>" + b"".join(
    b"<!ENTITY b%d '&%s;&%s;'>" % (n, (b"b%d" % (n - 1)) if n else b"a", b"a") for n in range(20)
)


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "DEP-FILE-01"),
        (b"\x00\x01\x02 not a file", "DEP-FILE-01"),
        (b"MZ\x90\x00", "DEP-FILE-01"),
        (_UBL[:400], "DEP-FILE-03"),
        (b"<?xml version='1.0' encoding='utf-8'?><a>\xe9</a>", "DEP-FILE-04"),
        (b"<!DOCTYPE a SYSTEM 'file:///etc/passwd'><a/>", "DEP-FILE-05"),
        (_LAUGHS + b"]><a>&b19;</a>", "DEP-FILE-05"),
        (b"<a>" * 5000 + b"</a>" * 5000, "DEP-FILE-06"),
        (b"<Unknown/>", "DEP-FILE-07"),
        (b"%PDF-1.7 and nothing else", "DEP-FILE-08"),
        (b"%PDF-1.7\n" + b"/Filter%" * 125_000 + b"%%EOF", "DEP-FILE-12"),
        (b"%PDF-1.7\n" + bytes(21 * 1024 * 1024) + b"\n%%EOF", "DEP-FILE-02"),
    ],
)
async def test_a_file_that_cannot_be_read_is_refused_by_name_and_not_kept(
    world: World, content: bytes, code: str
) -> None:
    before = world.kept()

    answer = await world.deposit(content, beside())

    assert answer.status_code == 422
    assert answer.json()["code"] == code
    assert (code, "file") in codes(answer)
    assert world.kept() == before
    assert (await world.http.get(world.http.base_url.join("/health/ready"))).status_code == 200


async def test_the_service_answers_while_a_bomb_is_read(world: World) -> None:
    bomb = hostile_pdfs.write_with_object_streams(40, 11 * 1024 * 1024)
    memory = await world.figure("process_resident_memory_bytes")

    refusal = asyncio.create_task(world.deposit(bomb, beside(), dry_run=True))
    longest = 0.0
    while not refusal.done():
        before = time.monotonic()
        assert (await world.http.get(world.http.base_url.join("/health/live"))).status_code == 200
        longest = max(longest, time.monotonic() - before)
        light = await world.deposit(_UBL, beside(), dry_run=True)
        assert light.json()["read"]["number"]

    assert not (await refusal).json()["accepted"]
    assert longest < scale_timeout(_LONGEST_ANSWER_S, most=15)
    grown = await world.figure("process_resident_memory_bytes") - memory
    assert grown < 100 * 1024 * 1024


async def test_a_pdf_with_neither_an_invoice_nor_its_fields_is_refused_by_field(
    world: World,
) -> None:
    answer = await world.deposit(einvoices.write_plain_pdf(an_opener()), beside(), name="a.pdf")

    missing = {field for code, field in codes(answer) if code == "DEP-INV-01"}
    assert answer.status_code == 422
    assert {"number", "issued_on", "currency", "amounts.ht", "amounts.ttc"} <= missing
    assert ("DEP-META-04", "cadre") in codes(answer)


_HEAD = (
    b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.pdf"\r\n'
    b"Content-Type: application/pdf\r\n\r\n"
)
_TAIL = b"\r\n--b--\r\n"


async def _body(size_mb: int) -> AsyncIterator[bytes]:
    yield _HEAD
    for _ in range(size_mb):
        yield _CHUNK
    yield _TAIL


async def _send(world: World, size_mb: int, *, announced: bool) -> int | None:
    """Send a body that is never whole in memory; None when the service hung up on it."""
    headers = acting(Role.TITULAIRE) | {"Content-Type": "multipart/form-data; boundary=b"}
    if announced:
        headers["Content-Length"] = str(len(_HEAD) + size_mb * len(_CHUNK) + len(_TAIL))
    try:
        answer: httpx.Response = await world.http.post(
            "/pieces", content=_body(size_mb), headers=headers
        )
    except (httpx.WriteError, httpx.ReadError, httpx.RemoteProtocolError):
        return None
    return answer.status_code


async def test_two_hundred_megabytes_are_refused_and_the_service_stays_up(world: World) -> None:
    before = world.kept()
    memory = await world.figure("process_resident_memory_bytes")

    counted = await _send(world, 200, announced=False)
    announced = await _send(world, 200, announced=True)

    assert counted == 413
    assert announced in {413, None}
    assert world.kept() == before
    assert (await world.http.get(world.http.base_url.join("/health/ready"))).status_code == 200
    grown = await world.figure("process_resident_memory_bytes") - memory
    assert grown < 100 * 1024 * 1024


async def test_attachments_at_their_limits_pass_one_by_one(world: World) -> None:
    plan = b"%PDF-1.7" + bytes(10 * 1024 * 1024 - 8)

    fits = await world.deposit(
        einvoices.write_ubl(an_opener()), beside(), attachments={"p.pdf": plan}
    )
    exceeds = await world.deposit(
        einvoices.write_ubl(an_opener()), beside(), attachments={"p.pdf": plan + b"."}
    )

    assert fits.status_code == 201, fits.text
    assert codes(exceeds) == [("DEP-PJ-06", "attachments.0")]


@pytest.mark.parametrize(
    "metadata",
    ["[" * 100_000, '{"number": "\\ud800"}', "null", '{"amounts": {"ht": 1e400}}', "\x00"],
)
async def test_metadata_that_is_no_metadata_is_a_form_error(world: World, metadata: str) -> None:
    answer = await world.deposit(einvoices.write_ubl(an_opener()), metadata)

    assert answer.status_code == 422
    assert answer.json()["code"] == "HTTP-FORM-01"


@pytest.mark.parametrize(
    ("number", "code"),
    [
        ("<script>", "DEP-INV-08"),
        ("a\x7fb", "CIR-CHAMP-05"),
        ("{0}", "DEP-INV-08"),
        ("${x}", "DEP-INV-08"),
        ("1'; drop", "DEP-INV-08"),
    ],
)
async def test_a_number_cannot_carry_code(world: World, number: str, code: str) -> None:
    metadata = beside(number=number)

    answer = await world.deposit(einvoices.write_plain_pdf(an_opener()), metadata, name="a.pdf")

    assert (code, "number") in codes(answer)


async def test_what_is_not_multipart_is_refused(world: World) -> None:
    answers = [
        await world.http.post("/pieces", headers=acting(Role.TITULAIRE), json={"file": "x"}),
        await world.http.post("/pieces", headers=acting(Role.TITULAIRE), data={"file": "x"}),
        await world.http.post(
            "/pieces",
            headers=acting(Role.TITULAIRE) | {"Content-Type": "multipart/form-data; boundary=b"},
            content=b"--c\r\nbroken",
        ),
    ]

    assert all(400 <= answer.status_code < 500 for answer in answers)
    assert all(answer.headers["content-type"] == "application/problem+json" for answer in answers)
