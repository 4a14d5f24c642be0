"""Hostile PDFs, made to exhaust or confuse the program that reads them."""

import io
import zlib
from collections.abc import Iterable, Mapping

import pikepdf


def write_with_attachments(files: Mapping[str, bytes]) -> bytes:
    """Write a one-page PDF with embedded files, compressed."""
    pdf = pikepdf.new()
    pdf.add_blank_page()
    for name, content in files.items():
        pdf.attachments[name] = pikepdf.AttachedFileSpec(pdf, content, filename=name)
    return _save(pdf)


def write_encrypted(*, by: str) -> bytes:
    """Write an encrypted PDF. Anybody can open it when the password `by` is empty."""
    pdf = pikepdf.new()
    pdf.add_blank_page()
    return _save(pdf, pikepdf.Encryption(owner="owner", user=by))


def linearize(content: bytes) -> bytes:
    """Linearize a PDF: move its index and its first page to the start."""
    out = io.BytesIO()
    with pikepdf.open(io.BytesIO(content)) as pdf:
        pdf.save(out, linearize=True)
    return out.getvalue()


def write_with_objects(catalog: str, *objects: str) -> bytes:
    """Write a one-page PDF by hand: 1 is the catalog, 2 the pages, 3 the page, then `objects`."""
    bodies = (
        f"<</Type/Catalog/Pages 2 0 R{catalog}>>",
        "<</Type/Pages/Kids[3 0 R]/Count 1>>",
        "<</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]/Resources<<>>>>",
        *objects,
    )
    return _assemble(body.encode("latin-1") for body in bodies)


def write_with_page_loop() -> bytes:
    """Write a PDF with a loop: its page tree is its own child."""
    return _assemble([b"<</Type/Catalog/Pages 2 0 R>>", b"<</Type/Pages/Kids[2 0 R]/Count 1>>"])


def write_with_object_stream(compression: str, content: bytes) -> bytes:
    """Write a PDF whose catalog is in a compressed object stream."""
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


def deflate_catalog(size_bytes: int) -> bytes:
    """Compress a catalog and blanks, `size_bytes` when inflated, without the blanks in memory."""
    compressor = zlib.compressobj(9)
    objects = b"1 0 2 30 <</Type/Catalog/Pages 2 0 R>> <</Type/Pages/Kids[]/Count 0>>"
    parts = [compressor.compress(objects)]
    blanks = b" " * 1_000_000
    parts += [compressor.compress(blanks) for _ in range(size_bytes // len(blanks))]
    return b"".join([*parts, compressor.flush()])


def _assemble(bodies: Iterable[bytes]) -> bytes:
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


def _save(pdf: pikepdf.Pdf, encryption: pikepdf.Encryption | None = None) -> bytes:
    out = io.BytesIO()
    pdf.save(out, encryption=encryption or False)
    return out.getvalue()


def write_repeated(unit: bytes, size_bytes: int) -> bytes:
    """Write a PDF filled with one unit, repeated."""
    return b"%PDF-1.7\n" + unit * (size_bytes // len(unit)) + b"\n%%EOF"


def write_with_object_streams(count: int, each_bytes: int) -> bytes:
    """Write a small PDF whose catalog refers to many object streams, each large when unpacked."""
    out = io.BytesIO()
    out.write(b"%PDF-1.5\n")
    first = 10
    places = {}
    for index in range(count):
        inside = first + count + index
        packer = zlib.compressobj(1)
        head = b"%d 0 " % inside
        body = (
            packer.compress(head + b"<</A 1>>")
            + packer.compress(b" " * each_bytes)
            + packer.flush()
        )
        places[first + index] = out.tell()
        out.write(
            b"%d 0 obj\n<</Type/ObjStm/N 1/First %d/Filter/FlateDecode/Length %d>>\nstream\n"
            % (first + index, len(head), len(body))
            + body
            + b"\nendstream\nendobj\n"
        )
    names = b" ".join(b"%d 0 R" % (first + count + index) for index in range(count))
    for number, text in (
        (1, b"<</Type/Catalog/Pages 2 0 R/AF[" + names + b"]>>"),
        (2, b"<</Type/Pages/Kids[3 0 R]/Count 1>>"),
        (3, b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]/Resources<<>>>>"),
    ):
        places[number] = out.tell()
        out.write(b"%d 0 obj\n%b\nendobj\n" % (number, text))
    size = first + 2 * count + 1
    places[size - 1] = out.tell()
    rows = []
    for number in range(size):
        if number in places:
            rows.append(b"\x01" + places[number].to_bytes(4) + b"\x00\x00")
        elif first + count <= number < first + 2 * count:
            rows.append(b"\x02" + (number - count).to_bytes(4) + b"\x00\x00")
        else:
            rows.append(b"\x00" + bytes(6))
    table = zlib.compress(b"".join(rows), 9)
    out.write(
        b"%d 0 obj\n<</Type/XRef/Size %d/W[1 4 2]/Root 1 0 R/Filter/FlateDecode" % (size - 1, size)
        + b"/Length %d>>\nstream\n" % len(table)
        + table
        + b"\nendstream\nendobj\nstartxref\n%d\n%%%%EOF" % places[size - 1]
    )
    return out.getvalue()


def write_with_index_chain(length: int, *, closed: bool = False) -> bytes:
    """Write a PDF of many updates, each with an index (xref table) that refers to the one before.

    With `closed`, the oldest refers to the newest: a loop.
    """
    whole = write_with_objects("")
    oldest = whole.index(b"\nxref\n") + 1
    update = b"xref\n0 1\n0000000000 65535 f \ntrailer<</Size 4/Root 1 0 R/Prev %010d>>\n"
    size = len(update % 0)
    newest = len(whole) + size * (length - 1)
    updates = [
        update % (len(whole) + size * (rank - 1) if rank else newest if closed else oldest)
        for rank in range(length)
    ]
    return whole + b"".join(updates) + b"startxref\n%d\n%%%%EOF" % newest


def write_with_false_lengths(count: int) -> bytes:
    """Write a PDF of many streams with wrong lengths: a reader searches the end of each."""
    streams = (
        f"{number} 0 obj<</Length 9999999>>stream\nx\nendobj\n" for number in range(4, 4 + count)
    )
    references = " ".join(f"{number} 0 R" for number in range(4, 4 + count))
    return (
        b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R/AF[" + references.encode() + b"]>>endobj\n"
        b"2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj\n"
        b"3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]/Resources<<>>>>endobj\n"
        + "".join(streams).encode()
        + b"trailer<</Root 1 0 R/Size 9>>\n%%EOF"
    )  # fmt: skip


def write_with_page_tree(levels: int, branches: int) -> bytes:
    """Write a PDF whose nodes of a level have the same kids: few objects, very many pages."""
    kids = [
        f"<</Type/Pages/Count 99/Kids[{' '.join([f'{number + 1} 0 R'] * branches)}]>>".encode()
        for number in range(2, 2 + levels)
    ]
    return _assemble([b"<</Type/Catalog/Pages 2 0 R>>", *kids, b"<</Type/Page>>"])


def write_with_pages(count: int) -> bytes:
    """Write a PDF of many empty pages."""
    references = " ".join(f"{number} 0 R" for number in range(3, 3 + count))
    tree = f"<</Type/Pages/Count {count}/Kids[{references}]>>".encode()
    pages = [b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]/Resources<<>>>>"] * count
    return _assemble([b"<</Type/Catalog/Pages 2 0 R>>", tree, *pages])


def write_with_predictor(columns: int, size_bytes: int) -> bytes:
    """Write a PDF with an invoice compressed with a predictor whose rows are `columns` long."""
    content = zlib.compress(b"\x02" * size_bytes, 9)
    parameters = f"/DecodeParms<</Predictor 15/Columns {columns}>>"
    return write_with_objects(
        "/Names<</EmbeddedFiles<</Names[(factur-x.xml) 4 0 R]>>>>",
        "<</Type/Filespec/UF(factur-x.xml)/EF<</F 5 0 R>>>>",
        f"<</Filter/FlateDecode{parameters}/Length {len(content)}>>\nstream\n"
        + content.decode("latin-1")
        + "\nendstream",
    )
