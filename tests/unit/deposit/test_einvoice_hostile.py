"""Files that cannot be read, or that harm their reader: refused by code, soon, in little room."""

import http.server
import subprocess
import sys
import threading
import time
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from deploy.local.einvoices import Einvoice, write_factur_x, write_plain_pdf, write_ubl
from services.deposit.adapters.einvoice.limits import Limits
from services.deposit.adapters.einvoice.reader import read_einvoice
from services.deposit.domain.unreadable import Unreadable
from shared.vocabulary.codes import Syntax
from shared.vocabulary.rules import Violation
from shared.vocabulary.sizes import MEGABYTE
from tests.kit import hostile_pdfs
from tests.kit.einvoices import ROOT, an_einvoice
from tests.kit.waiting import scale_timeout

_ROOT = "Invoice xmlns='urn:oasis:names:specification:ubl:schema:xsd:Invoice-2'"
_SLOW_S = 30.0


@pytest.fixture(autouse=True)
def _soon() -> Iterator[None]:
    """Judge by CPU time, which a loaded machine does not stretch."""
    begun = time.process_time()
    yield
    assert time.process_time() - begun < _SLOW_S


def refusal(content: bytes, limits: Limits | None = None) -> Violation:
    with pytest.raises(Unreadable) as refused:
        read_einvoice(content, "facture.xml", limits or Limits())
    assert refused.value.violation.field == "file"
    return refused.value.violation


def document(prolog: str, body: str = "") -> bytes:
    return f"<?xml version='1.0'?>{prolog}<{_ROOT}>{body}</Invoice>".encode()


_LAUGHS = "".join(f"<!ENTITY l{i} '{f'&l{i - 1};' * 10}'>" for i in range(1, 10))
_DTDS = {
    "file": "<!DOCTYPE a [<!ENTITY x SYSTEM '{file}'>]>",
    "parameter": "<!DOCTYPE a [<!ENTITY % x SYSTEM '{file}'> %x;]>",
    "external": "<!DOCTYPE a SYSTEM '{file}'>",
    "internal": "<!DOCTYPE a [<!ENTITY x 'SECRET'>]>",
    "billion_laughs": f"<!DOCTYPE a [<!ENTITY l0 'ha'>{_LAUGHS}<!ENTITY x '&l9;'>]>",
    "quadratic": f"<!DOCTYPE a [<!ENTITY x '{'a' * 50_000}'>]>",
    "after_comments": "<!-- < > --><?pi ?> <!DOCTYPE a [<!ENTITY x 'SECRET'>]>",
}


@pytest.mark.parametrize("name", sorted(_DTDS))
def test_a_document_type_is_refused_and_nothing_of_it_shown(name: str, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("SECRET")
    prolog = _DTDS[name].replace("{file}", secret.as_uri())

    violation = refusal(document(prolog, "<ID>" + "&x;" * 50_000 + "</ID>"))

    assert violation.code == "DEP-FILE-05"
    assert "SECRET" not in violation.message


@pytest.mark.parametrize("encoding", ["utf-16", "utf-8-sig"])
def test_a_document_type_is_seen_in_every_encoding(encoding: str) -> None:
    content = f"<!DOCTYPE a [<!ENTITY x 'y'>]><{_ROOT}>&x;</Invoice>".encode(encoding)

    assert refusal(content).code == "DEP-FILE-05"


def test_no_file_makes_the_reader_call_a_server() -> None:
    asked: list[str] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_error(404)

    with http.server.HTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}/x"
        for prolog in (
            f"<!DOCTYPE a SYSTEM '{url}'>",
            f"<!DOCTYPE a [<!ENTITY % x SYSTEM '{url}'> %x;]>",
        ):
            refusal(document(prolog))
        read_einvoice(document(f"<?xml-stylesheet href='{url}'?>"), "x")
        schema = f"xmlns:i='http://www.w3.org/2001/XMLSchema-instance' i:schemaLocation='u {url}'"
        read_einvoice(f"<{_ROOT} {schema}/>".encode(), "x")
        server.shutdown()

    assert asked == []


def test_an_undefined_entity_is_malformed() -> None:
    assert refusal(document("", "<ID>&x;</ID>")).code == "DEP-FILE-03"


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "DEP-FILE-01"),
        (b"   \n", "DEP-FILE-01"),
        (b"\x00" * 100, "DEP-FILE-01"),
        (b"PK\x03\x04 zip", "DEP-FILE-01"),
        (b"+ADw-Invoice+AD4-", "DEP-FILE-01"),
        (write_ubl(an_einvoice())[:2000], "DEP-FILE-03"),
        (write_ubl(an_einvoice()).replace(b"SIT", b"S\x00T"), "DEP-FILE-03"),
        (write_ubl(an_einvoice()) + b"<x/>", "DEP-FILE-03"),
        (b"<", "DEP-FILE-03"),
        ("<?xml version='1.0' encoding='UTF-8'?><a>é</a>".encode("latin-1"), "DEP-FILE-04"),
        (b"<?xml version='1.0' encoding='UTF-7'?>+ADw-a/+AD4-", "DEP-FILE-04"),
        (b"<?xml version='1.0' encoding='UTF-16'?><a/>", "DEP-FILE-04"),
        ("<?xml version='1.0' encoding='UTF-8'?><a/>".encode("utf-16"), "DEP-FILE-04"),
        (b"<?xml version='1.0' encoding='klingon'?><a/>", "DEP-FILE-04"),
        (b"<?xml version='1.0' encoding='base64'?><a/>", "DEP-FILE-04"),
        ("<?xml version='1.0' encoding='utf-32'?><a/>".encode("utf-32"), "DEP-FILE-03"),
        (b"<a/>", "DEP-FILE-07"),
        (b"<html><body>504</body></html>", "DEP-FILE-07"),
        (write_ubl(an_einvoice()).replace(b"xsd:Invoice-2", b"xsd:Invoice-3"), "DEP-FILE-07"),
    ],
    ids=range(19),
)
def test_what_is_no_readable_xml_is_refused_by_code(content: bytes, code: str) -> None:
    assert refusal(content).code == code


@pytest.mark.parametrize(
    "build",
    [
        lambda: b"<a>" * 5_000 + b"</a>" * 5_000,
        lambda: b"<a>" * 300 + b"</a>" * 300,
        lambda: b"<a " + b" ".join(b"b%d=''" % i for i in range(1_000_000)) + b"/>",
        lambda: b"<a>" + b"<b/>" * 1_000_000 + b"</a>",
    ],
    ids=["depth_5000", "depth_300", "million_attributes", "million_elements"],
)
def test_an_xml_of_no_invoices_shape_is_refused(build: Callable[[], bytes]) -> None:
    assert refusal(build(), Limits(xml_bytes=20 * MEGABYTE)).code == "DEP-FILE-06"


def test_what_is_too_large_is_refused_before_it_is_parsed() -> None:
    for head in (b"<a>", b"%PDF-1.7\n"):
        content = head.ljust(200 * MEGABYTE)
        tracemalloc.start()
        violation = refusal(content)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()

        assert violation.code == "DEP-FILE-02"
        assert peak < MEGABYTE


_READER = """
import sys
from pathlib import Path
from services.deposit.adapters.einvoice.reader import read_einvoice
from services.deposit.domain.unreadable import Unreadable
from tests.kit.process_memory import measure_peak_mb

before = measure_peak_mb()
for path in sys.argv[1:]:
    try:
        read_einvoice(Path(path).read_bytes(), path)
    except Unreadable:
        print(measure_peak_mb() - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="reads the peak of memory from /proc")
def test_what_is_refused_took_little_memory(tmp_path: Path) -> None:
    bombs = (
        hostile_pdfs.write_with_object_stream(
            "/FlateDecode", hostile_pdfs.deflate_catalog(200 * MEGABYTE)
        ),
        hostile_pdfs.write_with_attachments({"factur-x.xml": b" " * (99 * MEGABYTE)}),
        b"<a>" + b"<b/>" * 2_000_000 + b"</a>",
        document(_DTDS["billion_laughs"], "<ID>&x;</ID>"),
    )
    paths = [tmp_path / str(number) for number in range(len(bombs))]
    for path, bomb in zip(paths, bombs, strict=True):
        path.write_bytes(bomb)

    read = subprocess.run(
        [sys.executable, "-c", _READER, *paths],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
        timeout=scale_timeout(60),
    )

    grown_mb = [float(line) for line in read.stdout.split()]
    assert len(grown_mb) == len(bombs)
    assert max(grown_mb) < 100


def test_the_limits_are_settings() -> None:
    content = write_ubl(an_einvoice())

    assert refusal(content, Limits(xml_bytes=len(content) - 1)).code == "DEP-FILE-02"
    read_einvoice(content, "x", Limits(xml_bytes=len(content)))


_KIDS = " ".join(["{next} 0 R"] * 10)
_SHARED_BRANCHES = [
    f"<</Limits[(a)(z)]/Kids[{_KIDS.format(next=number)}]>>" for number in range(5, 15)
]
_TREE = "/Names<</EmbeddedFiles 4 0 R>>"


@pytest.mark.parametrize(
    ("build", "code"),
    [
        (lambda: b"%PDF-1.7\n", "DEP-FILE-08"),
        (lambda: write_factur_x(an_einvoice())[:1500], "DEP-FILE-08"),
        (lambda: write_factur_x(an_einvoice())[:1500] + b"\n%%EOF", "DEP-FILE-08"),
        (hostile_pdfs.write_with_page_loop, "DEP-FILE-08"),
        (
            lambda: hostile_pdfs.write_with_objects("/X " + "[" * 100_000 + "]" * 100_000),
            "DEP-FILE-08",
        ),
        (
            lambda: hostile_pdfs.write_with_objects(_TREE, "<</Names[(factur-x.xml) 3]>>"),
            "DEP-FILE-08",
        ),
        (lambda: hostile_pdfs.write_with_objects(_TREE, "<</Names 3>>"), "DEP-FILE-08"),
        (
            lambda: hostile_pdfs.write_with_objects(_TREE, "<</Names[(factur-x.xml)]>>"),
            "DEP-FILE-08",
        ),
        (lambda: hostile_pdfs.write_encrypted(by="user"), "DEP-FILE-09"),
        (lambda: hostile_pdfs.write_encrypted(by=""), "DEP-FILE-09"),
        (
            lambda: hostile_pdfs.write_with_attachments(
                {"factur-x.xml": b"<a/>", "factur-x (1).xml": b"<b/>"}
            ),
            "DEP-FILE-10",
        ),
        (
            lambda: hostile_pdfs.write_with_attachments({"factur-x.xml": b" " * (11 * MEGABYTE)}),
            "DEP-FILE-11",
        ),
        (
            lambda: hostile_pdfs.write_with_attachments({"factur-x.xml": b" " * (99 * MEGABYTE)}),
            "DEP-FILE-11",
        ),
        (
            lambda: hostile_pdfs.write_with_objects(_TREE, "<</Names[(factur-x.xml) 3 0 R]>>"),
            "DEP-FILE-11",
        ),
        (
            lambda: hostile_pdfs.write_with_objects(
                _TREE, "<</Names[" + "(a) 3 0 R " * 10_000 + "]>>"
            ),
            "DEP-FILE-12",
        ),
        (lambda: hostile_pdfs.write_with_object_stream("/LZWDecode", b"x"), "DEP-FILE-12"),
        (lambda: hostile_pdfs.write_with_object_stream("/L#5aW", b"x"), "DEP-FILE-12"),
        (
            lambda: hostile_pdfs.write_with_object_stream("[/FlateDecode 7 0 R]", b"x"),
            "DEP-FILE-12",
        ),
        (lambda: hostile_pdfs.write_with_object_stream(" %\n 7 0 R", b"x"), "DEP-FILE-12"),
        (
            lambda: hostile_pdfs.write_with_object_stream(
                "/FlateDecode", hostile_pdfs.deflate_catalog(100 * MEGABYTE)
            ),
            "DEP-FILE-08",
        ),
        (lambda: hostile_pdfs.write_with_attachments({"factur-x.xml": b"<a/>"}), "DEP-FILE-07"),
        (
            lambda: hostile_pdfs.write_with_attachments(
                {"factur-x.xml": document(_DTDS["internal"])}
            ),
            "DEP-FILE-05",
        ),
    ],
    ids=range(22),
)
def test_a_harmful_pdf_is_refused_by_code(build: Callable[[], bytes], code: str) -> None:
    assert refusal(build()).code == code


@pytest.mark.parametrize(
    "content",
    [
        hostile_pdfs.write_with_objects(_TREE, "<</Kids[4 0 R 4 0 R]>>"),
        hostile_pdfs.write_with_objects(_TREE, *_SHARED_BRANCHES, "<</Names[(a) 3 0 R]>>"),
        hostile_pdfs.write_with_attachments({"annexe.xml": b"<metre/>"}),
    ],
    ids=["loop", "shared_branches", "another_name"],
)
def test_a_pdf_whose_tree_of_files_holds_no_invoice_is_a_plain_pdf(content: bytes) -> None:
    assert read_einvoice(content, "x").syntax is Syntax.PDF


@pytest.mark.parametrize("write", [write_factur_x, write_plain_pdf])
def test_a_truncated_pdf_is_refused_though_a_repair_would_open_it(
    write: Callable[[Einvoice], bytes],
) -> None:
    whole = hostile_pdfs.linearize(write(an_einvoice()))

    assert read_einvoice(whole, "x").syntax in {Syntax.FACTUR_X, Syntax.PDF}
    assert refusal(whole[:-100]).code == "DEP-FILE-08"


def test_junk_that_needs_repair_is_given_up_soon() -> None:
    content = b"%PDF-1.4\n" + b"1 0 obj\n" * (2 * MEGABYTE) + b"%%EOF"

    assert refusal(content).code == "DEP-FILE-08"


def test_a_small_pdf_with_a_broken_index_is_repaired() -> None:
    broken = write_factur_x(an_einvoice()).replace(b"startxref\n", b"startxref\n9")

    assert read_einvoice(broken, "x").number == "SIT-2026-11"
    assert refusal(broken, Limits(repaired_pdf_bytes=1000)).code == "DEP-FILE-08"
