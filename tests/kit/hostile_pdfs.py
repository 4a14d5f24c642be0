"""PDFs made to harm their reader."""

import io
import zlib
from collections.abc import Iterable, Mapping

import pikepdf


def with_attachments(files: Mapping[str, bytes]) -> bytes:
    """Write a one-page PDF with embedded files, compressed."""
    pdf = pikepdf.new()
    pdf.add_blank_page()
    for name, content in files.items():
        pdf.attachments[name] = pikepdf.AttachedFileSpec(pdf, content, filename=name)
    return _saved(pdf)


def encrypted(*, by: str) -> bytes:
    """Write an encrypted PDF; an empty secret lets anybody open it."""
    pdf = pikepdf.new()
    pdf.add_blank_page()
    return _saved(pdf, pikepdf.Encryption(owner="owner", user=by))


def linearized(content: bytes) -> bytes:
    """Put the index and first page of a PDF at its start, so that a reader may begin early."""
    out = io.BytesIO()
    with pikepdf.open(io.BytesIO(content)) as pdf:
        pdf.save(out, linearize=True)
    return out.getvalue()


def with_objects(catalog: str, *objects: str) -> bytes:
    """Write a one-page PDF by hand: 1 is the catalog, 2 the pages, 3 the page, then `objects`."""
    bodies = (
        f"<</Type/Catalog/Pages 2 0 R{catalog}>>",
        "<</Type/Pages/Kids[3 0 R]/Count 1>>",
        "<</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]>>",
        *objects,
    )
    return _assembled(body.encode() for body in bodies)


def with_page_loop() -> bytes:
    """Write a PDF whose page tree is its own child."""
    return _assembled([b"<</Type/Catalog/Pages 2 0 R>>", b"<</Type/Pages/Kids[2 0 R]/Count 1>>"])


def with_object_stream(compression: str, content: bytes) -> bytes:
    """Write a PDF whose catalog lies in a compressed stream of objects."""
    stream = (
        f"4 0 obj\n<</Type/ObjStm/N 2/First 9/Filter{compression}/Length {len(content)}>>\nstream\n"
    ).encode() + content + b"\nendstream\nendobj\n"  # fmt: skip
    start = len(b"%PDF-1.5\n")
    after = start + len(stream)
    entries = ((0, 0, 255), (2, 4, 0), (2, 4, 1), (0, 0, 0), (1, start, 0), (1, after, 0))
    table = b"".join(bytes([kind]) + at.to_bytes(4) + bytes([n]) for kind, at, n in entries)
    index = (
        f"5 0 obj\n<</Type/XRef/Size 6/W[1 4 1]/Root 1 0 R/Length {len(table)}>>\nstream\n"
    ).encode() + table + b"\nendstream\nendobj\n"  # fmt: skip
    return b"%PDF-1.5\n" + stream + index + b"startxref\n%d\n%%%%EOF" % after


def inflating_to(size_bytes: int) -> bytes:
    """Compress a catalog followed by blanks, without holding the blanks in memory."""
    compressor = zlib.compressobj(9)
    objects = b"1 0 2 30 <</Type/Catalog/Pages 2 0 R>> <</Type/Pages/Kids[]/Count 0>>"
    parts = [compressor.compress(objects)]
    blanks = b" " * 1_000_000
    parts += [compressor.compress(blanks) for _ in range(size_bytes // len(blanks))]
    return b"".join([*parts, compressor.flush()])


def _assembled(bodies: Iterable[bytes]) -> bytes:
    out = io.BytesIO()
    out.write(b"%PDF-1.4\n")
    starts = []
    for number, body in enumerate(bodies, 1):
        starts.append(out.tell())
        out.write(b"%d 0 obj\n%b\nendobj\n" % (number, body))
    index = out.tell()
    out.write(b"xref\n0 %d\n0000000000 65535 f \n" % (len(starts) + 1))
    out.writelines(b"%010d 00000 n \n" % start for start in starts)
    out.write(b"trailer\n<</Size %d/Root 1 0 R>>\n" % (len(starts) + 1))
    out.write(b"startxref\n%d\n%%%%EOF\n" % index)
    return out.getvalue()


def _saved(pdf: pikepdf.Pdf, encryption: pikepdf.Encryption | None = None) -> bytes:
    out = io.BytesIO()
    pdf.save(out, encryption=encryption or False)
    return out.getvalue()
