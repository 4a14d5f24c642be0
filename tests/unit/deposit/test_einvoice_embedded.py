"""Where a PDF may hold its electronic invoice, and under which names."""

import io
from collections.abc import Callable

import pikepdf
import pytest

from deploy.local.einvoices import write_cii, write_ubl
from services.deposit.adapters.einvoice.file_names import is_reserved
from services.deposit.adapters.einvoice.reader import read_einvoice
from services.deposit.domain.unreadable import Unreadable
from shared.vocabulary.codes import Syntax
from tests.kit import hostile_pdfs
from tests.kit.einvoices import an_einvoice

_CII = write_cii(an_einvoice())
_ANOTHER = write_cii(an_einvoice(number="SIT-AUTRE"))


def saved(pdf: pikepdf.Pdf) -> bytes:
    """Write a PDF out."""
    out = io.BytesIO()
    pdf.save(out, object_stream_mode=pikepdf.ObjectStreamMode.generate)
    return out.getvalue()


def a_file(pdf: pikepdf.Pdf, content: bytes = _CII, **names: str) -> pikepdf.Object:
    """Make a file specification, by default under the reserved name."""
    stream = pdf.make_stream(content, Type=pikepdf.Name.EmbeddedFile)
    told = {f"/{key}": pikepdf.String(name) for key, name in names.items()}
    told = told or {"/UF": pikepdf.String("factur-x.xml")}
    return pdf.make_indirect(
        pikepdf.Dictionary({"/Type": pikepdf.Name.Filespec, "/EF": {"/F": stream}, **told})
    )


def attached_to(*path: str | int) -> Callable[[bytes], bytes]:
    """Write a PDF that holds a file at one place."""

    def written(content: bytes) -> bytes:
        pdf = pikepdf.new()
        page = pdf.add_blank_page().obj
        node = page if path[0] == "page" else pdf.Root
        inside: object = a_file(pdf, content)
        for key in reversed(path[1:]):
            inside = pikepdf.Array([inside]) if key == 0 else pikepdf.Dictionary({str(key): inside})
        for key, value in inside.items() if isinstance(inside, pikepdf.Dictionary) else ():
            node[key] = value
        return saved(pdf)

    return written


_PLACES = {
    "associated_with_the_document": attached_to("root", "/AF", 0),
    "associated_alone": attached_to("root", "/AF"),
    "associated_with_a_page": attached_to("page", "/AF", 0),
    "an_annotation": attached_to("page", "/Annots", 0, "/FS"),
    "associated_with_an_annotation": attached_to("page", "/Annots", 0, "/AF", 0),
    "associated_with_an_image": attached_to("page", "/Resources", "/XObject", "/Im0", "/AF", 0),
    "associated_with_the_structure": attached_to("root", "/StructTreeRoot", "/K", 0, "/AF", 0),
    "associated_with_a_bookmark": attached_to("root", "/Outlines", "/First", "/AF", 0),
    "an_action": attached_to("root", "/OpenAction", "/F"),
}


@pytest.mark.parametrize("place", _PLACES)
def test_the_invoice_is_found_wherever_a_pdf_may_hold_it(place: str) -> None:
    read = read_einvoice(_PLACES[place](_CII), "x")

    assert (read.syntax, read.number) == (Syntax.FACTUR_X, "SIT-2026-11")


@pytest.mark.parametrize("key", ["UF", "F", "Unix", "Mac", "DOS", "Desc"])
def test_the_invoice_is_found_by_any_name_that_a_file_has(key: str) -> None:
    pdf = pikepdf.new()
    pdf.add_blank_page()
    names = {"UF": "1", key: "factur-x.xml"}
    pdf.Root.AF = pikepdf.Array([a_file(pdf, _CII, **names)])

    assert read_einvoice(saved(pdf), "x").syntax is Syntax.FACTUR_X


@pytest.mark.parametrize("key", ["/F", "/UF", "/Unix", "/Mac", "/DOS"])
def test_the_invoice_is_found_in_any_stream_that_a_file_has(key: str) -> None:
    pdf = pikepdf.new()
    pdf.add_blank_page()
    file = a_file(pdf)
    file.EF = pikepdf.Dictionary({key: file.EF.F})
    pdf.Root.AF = pikepdf.Array([file])

    assert read_einvoice(saved(pdf), "x").syntax is Syntax.FACTUR_X


_RESERVED = (
    "factur-x.xml",
    "FACTUR-X.XML",
    "Factur-X.xml",
    "ZUGFeRD-invoice.xml",
    "xrechnung.xml",
    "C:\\Users\\Compta\\factur-x.xml",
    "/home/compta/factur-x.xml",
    "Macintosh HD:Factures:factur-x.xml",
    "../factur-x.xml",
    "x" * 5_000 + "/factur-x.xml",
    "factur-x.xml\0",
    "factur-x.xml\0\0\0",
    " factur-x.xml ",
    "factur-x.xml\r\n",
    "\ufefffactur-x.xml",
    "factur-x\u200b.xml",
    "factur-x (1).xml",
    "factur-x(2).xml",
    "factur-x-1.xml",
    "factur-x_12.xml",
    "factur-x 3.xml",
    "factur-x - Copie.xml",
    "factur-x - Copie (2).xml",
    "factur-x copy 2.xml",
    "factur-x_copie.xml",
)
_OTHERS = (
    "",
    "facture.xml",
    "factur-x.xml.bak",
    "factur-x.pdf",
    "xfactur-x.xml",
    "factur-x-annexe.xml",
    "factur-x.xml/annexe.xml",
    "factur-x (1234).xml",
    "factur-x.xm\0l",
)


@pytest.mark.parametrize("name", _RESERVED, ids=repr)
def test_a_reserved_name_is_recognised_however_a_system_spells_it(name: str) -> None:
    assert is_reserved(name)

    pdf = pikepdf.new()
    pdf.add_blank_page()
    pdf.Root.AF = pikepdf.Array([a_file(pdf, UF=name)])
    assert read_einvoice(saved(pdf), "x").number == "SIT-2026-11"


@pytest.mark.parametrize("name", _OTHERS, ids=repr)
def test_an_invoice_under_another_name_is_refused_by_that_name(name: str) -> None:
    assert not is_reserved(name)

    with pytest.raises(Unreadable) as refusal:
        read_einvoice(
            hostile_pdfs.write_with_attachments({name: _CII, "note.xml": b"<note/>"}), "x"
        )

    violation = refusal.value.violation
    assert violation.code == "DEP-FILE-14"
    assert f"« {name} »".replace("\0", "\N{REPLACEMENT CHARACTER}") in violation.message
    assert "note.xml" not in violation.message


@pytest.mark.parametrize(
    "content",
    [
        _CII,
        write_ubl(an_einvoice()),
        _CII.replace(b"UTF-8", b"UTF-16", 1).decode().encode("utf-16"),
        b"\xef\xbb\xbf" + _CII,
        b"\r\n" + _CII.partition(b"?>")[2],
        _CII[:1000],
        b"<!DOCTYPE x [<!ENTITY a 'b'>]>" + _CII.partition(b"?>")[2],
        b"<?xml version='1.0'?><!--" + b" " * 9000 + b"-->" + _CII.partition(b"?>")[2],
        b"<?xml version='1.0'?><!--" + b" " * 90_000 + b"-->" + _CII.partition(b"?>")[2],
        b"<?xml version='1.0'?>" + b"\n" * 90_000 + _CII.partition(b"?>")[2],
        b" " * 300 + _CII.partition(b"?>")[2],
        b"\xef\xbb\xbf" + b"\n" * 90_000 + _CII.partition(b"?>")[2],
    ],
    ids=[
        "cii",
        "ubl",
        "utf_16",
        "mark",
        "line_end",
        "cut",
        "document_type",
        "comment",
        "long_comment",
        "long_blank",
        "blank_first",
        "long_blank_first",
    ],
)
@pytest.mark.parametrize("name", ["facture.xml", "facture.txt", "donnees"])
def test_an_invoice_is_seen_by_its_content_whatever_its_name(name: str, content: bytes) -> None:
    with pytest.raises(Unreadable) as refusal:
        read_einvoice(hostile_pdfs.write_with_attachments({name: content}), "x")

    assert refusal.value.violation.code == "DEP-FILE-14"


@pytest.mark.parametrize(
    "files",
    [
        {"metre.xml": b"<metre/>"},
        {"metre.xml": b"<Invoice xmlns='urn:autre'/>"},
        {"facture.xml": b"CrossIndustryInvoice"},
        {"plan.dwg": bytes(range(256)) * 100},
        {"a.xml": b"<", "b.xml": b"", "c.xml": b"\xff\xfe<"},
        {f"{number}.xml": b"<a/>" for number in range(500)},
    ],
    ids=range(6),
)
def test_files_that_are_no_invoice_leave_a_plain_pdf(files: dict[str, bytes]) -> None:
    assert read_einvoice(hostile_pdfs.write_with_attachments(files), "x").syntax is Syntax.PDF


def test_a_file_that_is_reached_twice_is_one_invoice() -> None:
    pdf = pikepdf.new()
    page = pdf.add_blank_page().obj
    pdf.attachments["factur-x.xml"] = pikepdf.AttachedFileSpec(pdf, _CII, filename="factur-x.xml")
    file = pdf.Root.Names.EmbeddedFiles.Names[1]
    pdf.Root.AF = pikepdf.Array([file])
    page.Annots = pikepdf.Array([pikepdf.Dictionary(Subtype=pikepdf.Name.FileAttachment, FS=file)])
    page.AF = pikepdf.Array([a_file(pdf, _CII, UF="factur-x (1).xml")])

    assert read_einvoice(saved(pdf), "x").number == "SIT-2026-11"


def test_another_invoice_in_another_place_is_refused_with_both_names() -> None:
    pdf = pikepdf.new()
    page = pdf.add_blank_page().obj
    pdf.attachments["factur-x.xml"] = pikepdf.AttachedFileSpec(pdf, _CII, filename="factur-x.xml")
    page.Annots = pikepdf.Array([pikepdf.Dictionary(FS=a_file(pdf, _ANOTHER, F="a\\Factur-X.xml"))])

    with pytest.raises(Unreadable) as refusal:
        read_einvoice(saved(pdf), "x")

    assert refusal.value.violation.code == "DEP-FILE-10"
    assert all(each in refusal.value.violation.message for each in ("factur-x.xml", "Factur-X.xml"))


def write_copies(*files: tuple[str, bytes]) -> bytes:
    """Write a PDF whose document has associated files, in this order."""
    pdf = pikepdf.new()
    pdf.add_blank_page()
    pdf.Root.AF = pikepdf.Array([a_file(pdf, content, UF=name) for name, content in files])
    return saved(pdf)


def test_ten_copies_of_the_same_bytes_are_one_invoice_wherever_its_name_stands() -> None:
    others = [("xrechnung.xml", _ANOTHER), ("ZUGFeRD-invoice.xml", _ANOTHER)] * 6

    read = read_einvoice(write_copies(*others, *[("factur-x.xml", _CII)] * 10), "x")

    assert read.number == "SIT-2026-11"


@pytest.mark.parametrize("same", [1, 4, 9])
def test_an_invoice_that_differs_is_refused_after_however_many_copies(same: int) -> None:
    content = write_copies(*[("factur-x.xml", _CII)] * same, ("factur-x-9.xml", _ANOTHER))

    with pytest.raises(Unreadable) as refusal:
        read_einvoice(content, "x")

    assert refusal.value.violation.code == "DEP-FILE-10"
    assert "« factur-x.xml », « factur-x-9.xml »" in refusal.value.violation.message


def test_more_than_ten_copies_of_an_invoice_are_refused_as_several() -> None:
    with pytest.raises(Unreadable) as refusal:
        read_einvoice(write_copies(*[("factur-x.xml", _CII)] * 11), "x")

    assert refusal.value.violation.code == "DEP-FILE-10"


def test_an_invoice_that_was_taken_out_of_the_pdf_is_not_found() -> None:
    pdf = pikepdf.new()
    pdf.add_blank_page()
    a_file(pdf)
    out = io.BytesIO()
    pdf.save(out, preserve_pdfa=False)

    assert read_einvoice(out.getvalue(), "x").syntax is Syntax.PDF


@pytest.mark.parametrize("before", [b"\r\n", b"\xef\xbb\xbf", b"\n" * 1000, b"\x00\x01" * 200])
def test_a_pdf_may_begin_within_its_first_kilobyte(before: bytes) -> None:
    content = before + hostile_pdfs.write_with_attachments({"factur-x.xml": _CII})

    assert read_einvoice(content, "x").number == "SIT-2026-11"
