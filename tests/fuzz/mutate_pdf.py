"""Mutations of PDF syntax: names, objects, xref tables, streams, embedded files."""

import io
import re
import zlib
from random import Random

import pikepdf

from tests.fuzz.mutate_bytes import NUMBERS

_TOKEN = re.compile(rb"/[A-Za-z]{1,20}")
_NAMES = (
    b"/Filter", b"/FlateDecode", b"/LZWDecode", b"/ASCIIHexDecode", b"/ASCII85Decode",
    b"/RunLengthDecode", b"/DCTDecode", b"/Crypt", b"/JBIG2Decode", b"/Names", b"/Kids", b"/EF",
    b"/F", b"/UF", b"/Type", b"/ObjStm", b"/XRef", b"/Prev", b"/Root", b"/Encrypt", b"/Length",
    b"/AF", b"/Predictor", b"/#4c#5aW", b"/", b"/" + b"A" * 5_000,
)  # fmt: skip
_LITTER = (
    b"<<" * 600, b"[" * 600, b"(" * 3_000, b"/Filter%" * 3_000, b"%" * 20_000, b"<" + b"41" * 9_000,
    b" 0 R" * 2_000, b"1 0 obj", b"endobj", b"stream\n", b"endstream", b"xref\n0 1\n",
    b"trailer<</Size 9>>", b"startxref\n0\n%%EOF\n", b"%PDF-1.7\n", b"trailer <</Prev 9>> " * 900,
    b"obj " * 20_000, b"1 0 obj<<>>endobj\n" * 5_000, b"\\" * 900 + b"(",
)  # fmt: skip
_FILES = (
    "factur-x.xml", "Factur-X.XML", "factur-x.xml\x00", "factur-x (1).xml", "a/b\\factur-x.xml",
    "zugferd-invoice.xml", "xrechnung.xml", "ZUGFeRD-invoice.xml", "plan.pdf", "",
    "\u202efactur-x.xml", "x" * 3_000,
)  # fmt: skip


def _choose_offset(rng: Random, content: bytes) -> int:
    return rng.randrange(len(content) + 1)


def rename(rng: Random, content: bytes) -> bytes:
    """Replace one PDF name by another."""
    at = _choose_offset(rng, content)
    found = _TOKEN.search(content, at) or _TOKEN.search(content)
    if found is None:
        return content + rng.choice(_NAMES)
    return content[: found.start()] + rng.choice(_NAMES) + content[found.end() :]


def litter(rng: Random, content: bytes) -> bytes:
    """Insert a piece of syntax at a border between tokens, or at the end."""
    at = content.find(
        rng.choice((b"obj", b"stream", b">>", b"%%EOF", b"\n")), _choose_offset(rng, content)
    )
    at = len(content) if at < 0 else at
    return content[:at] + b"\n" + rng.choice(_LITTER) + b"\n" + content[at:] + b"\n%%EOF"


def break_table(rng: Random, content: bytes) -> bytes:
    """Falsify an offset, a length or a count, in an xref table, its start or a stream."""
    mark = rng.choice(
        (b"startxref", b"xref\n", b"/Length ", b"/Size ", b"/N ", b"/First ", b"/W[", b"/Prev ")
    )
    at = content.find(mark, _choose_offset(rng, content) if rng.random() < 0.5 else 0)
    if at < 0:
        return content + b"\nstartxref\n%d\n%%%%EOF\n" % rng.randrange(len(content) + 9)
    at += len(mark)
    end = at
    while end < len(content) and content[end : end + 1] in b"0123456789 \n":
        end += 1
    number = rng.choice((*NUMBERS[:8], str(rng.randrange(len(content) + 9)))).encode()
    return content[:at] + b" " + number + b"\n" + content[end:]


def chain_tables(rng: Random, content: bytes) -> bytes:
    """Append xref tables, each of which names the one before as its previous one."""
    out = io.BytesIO(content)
    out.seek(0, io.SEEK_END)
    previous = max(content.rfind(b"xref\n0"), 0)
    for _ in range(rng.choice((1, 10, 500, 4_000))):
        start = out.tell()
        out.write(b"xref\n0 1\n0000000000 65535 f \ntrailer\n")
        out.write(
            b"<</Size 9/Root 1 0 R/Prev %d>>\n" % (start if rng.random() < 0.01 else previous)
        )
        previous = start
    out.write(b"startxref\n%d\n%%%%EOF\n" % previous)
    return out.getvalue()


def rebuild(rng: Random, content: bytes) -> bytes:
    """Open a PDF, change its objects, and save it: the result is well formed.

    Only for files of the corpus: a mutated one may harm the library that opens it.
    """
    try:
        with pikepdf.open(io.BytesIO(content)) as pdf:
            changes = rng.choices(_CHANGES, k=rng.choice((1, 1, 2, 3)))
            # `_share_kids` comes last: to list the names of such a tree never ends.
            for change in sorted(changes, key=_share_kids.__eq__):
                change(rng, pdf)
            out = io.BytesIO()
            mode = rng.choice(list(pikepdf.ObjectStreamMode))
            pdf.save(
                out, object_stream_mode=mode, deterministic_id=True, linearize=rng.random() < 0.1
            )
            return out.getvalue()
    except (pikepdf.PdfError, RuntimeError, ValueError, TypeError, KeyError, AttributeError):
        return content


def _embed(rng: Random, pdf: pikepdf.Pdf) -> None:
    """Embed an invoice, some XML or nothing under one name or another."""
    names = list(pdf.attachments)
    inside = pdf.attachments[names[0]].get_file().read_bytes() if names else b"<a/>"
    name = rng.choice(_FILES)
    body = rng.choice((inside, inside[:500], b"", b"<a/>" * 1_000))
    pdf.attachments[name] = pikepdf.AttachedFileSpec(pdf, body, filename=name)


def _share_kids(rng: Random, pdf: pikepdf.Pdf) -> None:
    """Make the tree of embedded files deep, with kids that are shared, or a loop."""
    node = pdf.make_indirect(pikepdf.Dictionary(Names=pikepdf.Array()))
    first = node
    for _ in range(rng.choice((1, 20, 500))):
        node = pdf.make_indirect(pikepdf.Dictionary(Kids=pikepdf.Array([node, node])))
    if rng.random() < 0.5:
        first.Kids = pikepdf.Array([node])
    pdf.Root.Names = pikepdf.Dictionary(EmbeddedFiles=node)


def _add_streams(rng: Random, pdf: pikepdf.Pdf) -> None:
    """Add streams that inflate to far more than their size, and that the reader may skip."""
    unpacked = rng.choice((b" ", b"0 ", b"<<>>", b"[")) * rng.choice((1_000, 9_000, 300_000))
    packed = zlib.compress(unpacked, 1)
    for _ in range(rng.choice((1, 10, 60))):
        stream = pdf.make_stream(packed)
        stream.Filter = pikepdf.Name.FlateDecode
        stream.Type = pikepdf.Name(rng.choice(("/ObjStm", "/XRef", "/EmbeddedFile", "/Metadata")))
        stream.N = rng.choice((0, 1, 9_999))
        pdf.Root[f"/Added{rng.randrange(9)}"] = stream


def _change_filter(rng: Random, pdf: pikepdf.Pdf) -> None:
    """Declare other filters for a stream, several ones, or contradictory parameters."""
    streams = [each for each in pdf.objects if isinstance(each, pikepdf.Stream)]
    if not streams:
        return
    stream = rng.choice(streams)
    filters = rng.choices(
        ["/FlateDecode", "/ASCIIHexDecode", "/ASCII85Decode", "/RunLengthDecode"],
        k=rng.randrange(4),
    )
    stream.write(
        stream.read_raw_bytes(), filter=pikepdf.Array([pikepdf.Name(each) for each in filters])
    )
    if rng.random() < 0.5:
        columns = rng.choice((0, -1, 1, 2**31))
        stream.DecodeParms = pikepdf.Dictionary(Predictor=rng.choice((2, 12, 15)), Columns=columns)


def _drop_or_twist(rng: Random, pdf: pikepdf.Pdf) -> None:
    """Put a value of another type in a dictionary, or delete a key."""
    places = [
        each for each in pdf.objects if isinstance(each, pikepdf.Dictionary) and len(each.keys())
    ]
    if not places:
        return
    place = rng.choice(places)
    key = rng.choice(sorted(place.keys()))
    if rng.random() < 0.3:
        del place[key]
    else:
        place[key] = rng.choice(
            (0, -1, 2**31 - 1, True, pikepdf.Array([1] * 50), pikepdf.String("x"), pdf.Root)
        )


_CHANGES = (
    _embed,
    _embed,
    _share_kids,
    _add_streams,
    _change_filter,
    _drop_or_twist,
    _drop_or_twist,
)
