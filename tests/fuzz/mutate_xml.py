"""Mutations of XML: elements, attributes, texts, namespaces, prologs, encodings."""

import copy
from random import Random

from lxml import etree

from tests.fuzz.mutate_bytes import NUMBERS, TEXTS

_LIGHT_BYTES = 300_000
_ENCODINGS = (
    "utf-8", "utf-16", "utf-16-le", "utf-16-be", "iso-8859-1", "iso-8859-15", "cp1252", "ascii",
    "utf-8-sig", "utf-7", "utf-32", "cp037", "big5", "x-unknown",
)  # fmt: skip
_DOCTYPES = (
    '<!DOCTYPE a [<!ENTITY lol "lol">]>',
    '<!DOCTYPE a SYSTEM "file:///etc/passwd">',
    '<!DOCTYPE a [<!ENTITY % p SYSTEM "http://127.0.0.1:9/x"> %p;]>',
    "<?xml-stylesheet href='http://127.0.0.1:9/x'?>",
    "<!-- " + "<!DOCTYPE " * 100 + " -->",
    " " * 5_000,
)
_NESTS = (
    (b"", b"<a>", b""),
    (b"", b"<a/>", b""),
    (b"<a ", b'b%d="1" ', b"/>"),
    (b"<a ", b'xmlns:n%d="u:x" ', b"/>"),
    (b"<a>", b"x " * 20, b"</a>"),
    (b"<!--", b"- ", b"-->"),
    (b"<![CDATA[", b"]", b" ]]>"),
)
_ATTRIBUTES = ("schemeID", "currencyID", "schemeName", "format", "unitCode", "xml:id", "xml:lang")
_VALUES = ("0009", "0002", "EUR", "USD", "102", "", "1", "SIRET", "x" * 9_000, "\u202e")


def mutate_tree(rng: Random, content: bytes) -> bytes:
    """Change elements a few times, and write the tree again; files over 300 kB stay unchanged."""
    if len(content) > _LIGHT_BYTES:
        return content
    parser = etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=True, recover=True)
    root = etree.fromstring(content, parser)
    if root is None:
        return content
    for _ in range(rng.choice((1, 1, 2, 5))):
        elements = [each for each in root.iter() if isinstance(each.tag, str)]
        rng.choice(_CHANGES)(rng, rng.choice(elements), rng.choice(elements))
    return etree.tostring(root, xml_declaration=rng.random() < 0.5, encoding="utf-8")


def encode_again(rng: Random, content: bytes) -> bytes:
    """Write the text in another encoding, declared or not, or declared as a third one."""
    text = content.decode("utf-8", "replace").partition("?>")
    body = text[2].lstrip() if text[1] else text[0]
    written, declared = rng.choice(_ENCODINGS[:-1]), rng.choice((*_ENCODINGS, None, None))
    head = f'<?xml version="1.0" encoding="{declared or written}"?>' if rng.random() < 0.8 else ""
    return (head + body).encode(written, "replace")


def add_prolog(rng: Random, content: bytes) -> bytes:
    """Insert a document type, an instruction or a comment before the root, and an entity in it."""
    before, close, after = content.partition(b"?>")
    if rng.random() < 0.5:
        after = after.replace(b"</", b"&lol;</", 1)
    return before + close + rng.choice(_DOCTYPES).encode() + after


def nest(rng: Random, content: bytes) -> bytes:
    """Add many elements, attributes or namespaces: deep, wide, or long."""
    count = rng.choice((50, 255, 257, 300, 5_000, 5_000, 120_000))
    begin, each, end = rng.choice(_NESTS)
    many = b"".join(each % rank for rank in range(count)) if b"%d" in each else each * count
    closing = b"</a>" * count if each == b"<a>" else b""
    at = content.rfind(b"</")
    return content[:at] + begin + many + closing + end + content[at:]


def _remove(rng: Random, one: etree._Element, other: etree._Element) -> None:  # noqa: ARG001
    parent = one.getparent()
    if parent is not None:
        parent.remove(one)


def _repeat(rng: Random, one: etree._Element, other: etree._Element) -> None:  # noqa: ARG001
    parent = one.getparent()
    if parent is not None:
        for _ in range(rng.choice((1, 1, 3, 50))):
            parent.append(copy.deepcopy(one))


def _move(rng: Random, one: etree._Element, other: etree._Element) -> None:
    other.insert(rng.randrange(len(other) + 1), copy.deepcopy(one))


def _reorder(rng: Random, one: etree._Element, other: etree._Element) -> None:  # noqa: ARG001
    children = list(one)
    rng.shuffle(children)
    one[:] = children


def _write_text(rng: Random, one: etree._Element, other: etree._Element) -> None:
    text = rng.choice((*TEXTS, *NUMBERS, other.text or "", "", "732829320", "73282932000074"))
    one.text = "".join(each for each in text if each >= " " and not "\ud800" <= each <= "\udfff")


def _set_attribute(rng: Random, one: etree._Element, other: etree._Element) -> None:  # noqa: ARG001
    name = rng.choice(_ATTRIBUTES).replace("xml:", "{http://www.w3.org/XML/1998/namespace}")
    if rng.random() < 0.3:
        one.attrib.clear()
    one.set(name, rng.choice(_VALUES))


def _rename(rng: Random, one: etree._Element, other: etree._Element) -> None:
    local = etree.QName(other if rng.random() < 0.5 else one).localname
    space = rng.choice(("", "u:x", etree.QName(other).namespace or "u:y"))
    one.tag = f"{{{space}}}{local}" if space else local


_CHANGES = (_remove, _repeat, _move, _reorder, _write_text, _write_text, _set_attribute, _rename)
