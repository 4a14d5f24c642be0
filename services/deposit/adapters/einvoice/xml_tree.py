"""Parser of untrusted XML: no DTD, no entity, no network, bounded size and depth."""

import codecs
import re
from contextlib import suppress
from typing import TypedDict

from lxml import etree
from lxml.etree import _Element as Element

from services.deposit.adapters.einvoice.limits import Limits
from services.deposit.adapters.einvoice.xml_detection import BYTE_ORDER_MARKS
from services.deposit.domain.unreadable import (
    DOCUMENT_TYPE,
    MALFORMED_XML,
    TOO_COMPLEX,
    WRONG_ENCODING,
    Unreadable,
    refuse_size,
)

_UNMARKED_UTF16 = {b"<\x00": "utf-16-le", b"\x00<": "utf-16-be"}
_ASCII_SUPERSETS = frozenset(
    {"utf-8", "ascii", "iso8859-1", "iso8859-15", "cp1252"},  # names of Python's codecs
)
_RESOURCE_LIMIT = 114  # libxml2's XML_ERR_RESOURCE_LIMIT: depth or entity amplification
_DECLARED = re.compile(r"""<\?xml[^>]*?\sencoding\s*=\s*["']([A-Za-z0-9._-]{1,40})["']""")
_DECLARATION_LENGTH = 256
_DOCTYPE_IN_PROLOG = re.compile(rb"(?:\s|<\?.*?\?>|<!--.*?-->)*+<!DOCTYPE", re.DOTALL)


class _Options(TypedDict):
    resolve_entities: bool
    no_network: bool
    load_dtd: bool
    dtd_validation: bool
    huge_tree: bool
    recover: bool
    remove_comments: bool
    remove_pis: bool


# `collect_ids` stays at its default: False makes lxml load external parameter entities.
_SAFE = _Options(
    resolve_entities=False,
    no_network=True,
    load_dtd=False,
    dtd_validation=False,
    huge_tree=False,
    recover=False,
    remove_comments=True,
    remove_pis=True,
)


def parse_xml(content: bytes, limits: Limits) -> Element:
    """Parse XML and return its root. Raises `Unreadable`."""
    if len(content) > limits.xml_bytes:
        raise Unreadable(refuse_size(len(content), limits.xml_bytes))
    text = _as_utf8(content)
    if _DOCTYPE_IN_PROLOG.match(text):
        raise Unreadable(DOCUMENT_TYPE.build_violation("file"))
    # A node costs libxml2 over a hundred bytes, however short its text: ten megabytes of `<a/>`
    # would take more than 300 MB, so the marks that make nodes are counted before any is made.
    if max(text.count(b"<"), text.count(b"=")) > limits.xml_marks:
        raise Unreadable(TOO_COMPLEX.build_violation("file"))
    return _parse(text)


def read_root_name(head: bytes) -> str | None:
    """Read the root's name from the first bytes of an XML file, whatever follows.

    None when they hold no root.
    """
    parser = etree.XMLPullParser(("start",), **_SAFE)
    # The malformed part may come after the root.
    with suppress(etree.XMLSyntaxError):
        parser.feed(head.lstrip(b" \t\r\n"))
    with suppress(etree.XMLSyntaxError):
        for _, element in parser.read_events():
            return element.tag if isinstance(element, Element) else None
    return None


def _parse(text: bytes) -> Element:
    parser = etree.XMLParser(encoding="utf-8", **_SAFE)
    try:
        root = etree.fromstring(text, parser)
    except etree.XMLSyntaxError as error:
        if error.code == _RESOURCE_LIMIT:  # type: ignore[attr-defined]  # missing in lxml-stubs
            raise Unreadable(TOO_COMPLEX.build_violation("file")) from None
        raise Unreadable(MALFORMED_XML.build_violation("file", line=error.lineno)) from None
    if root.getroottree().docinfo.internalDTD is not None:
        raise Unreadable(DOCUMENT_TYPE.build_violation("file"))
    return root


def _as_utf8(content: bytes) -> bytes:
    """Re-encode as UTF-8, by Python's strict codecs, so that no other encoding reaches libxml2.

    UTF-7 or EBCDIC would hide the marks that the checks look for.
    """
    try:
        text = _decode(content)
    except (UnicodeDecodeError, LookupError):
        raise Unreadable(WRONG_ENCODING.build_violation("file")) from None
    return text.encode()


def _decode(content: bytes) -> str:
    for mark, encoding in BYTE_ORDER_MARKS.items():
        if content.startswith(mark):
            return _check_encoding(content.removeprefix(mark).decode(encoding), encoding)
    utf16 = _UNMARKED_UTF16.get(content[:2])
    if utf16:
        return _check_encoding(content.decode(utf16), utf16)
    head = content[:_DECLARATION_LENGTH].decode("latin-1")
    declared = _read_declared_encoding(head) or "utf-8"
    if declared not in _ASCII_SUPERSETS:
        raise LookupError(declared)
    return content.decode(declared)


def _check_encoding(text: str, encoding: str) -> str:
    """Check that the declared encoding is that of the bytes; `utf-16` covers both byte orders."""
    declared = _read_declared_encoding(text[:_DECLARATION_LENGTH])
    if declared and not encoding.startswith(declared):
        raise LookupError(declared)
    return text


def _read_declared_encoding(head: str) -> str | None:
    found = _DECLARED.match(head.lstrip())
    return codecs.lookup(found[1]).name if found else None
