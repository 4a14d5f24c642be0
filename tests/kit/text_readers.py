"""Functions that read untrusted texts, by name: each is measured in its own process.

They are imported here, instead of named in a program text, so that the type checker finds a changed
name.
"""

from collections.abc import Callable, Mapping
from contextlib import suppress

from services.deposit.adapters.einvoice.file_names import is_reserved
from services.deposit.adapters.einvoice.pdf_filters import has_unbounded_filter
from services.deposit.adapters.einvoice.xml_tree import _DOCTYPE_IN_PROLOG, read_root_name
from shared.runtime.tracing.traceparent import parse_traceparent
from shared.runtime.web.content_disposition import read_disposition
from shared.vocabulary import texts
from shared.vocabulary.amounts import parse_amount
from shared.vocabulary.attachments import _TYPES, _is_announced


def _read_text(raw: bytes) -> None:
    text = raw.decode()
    for act in (
        texts.clean,
        texts.normalise_nfc,
        texts.normalise_nfd,
        texts.make_one_line,
        texts.is_showable,
        texts.make_showable,
        texts.has_visible_letter,
    ):
        act(text)
    texts.fold(text, len(text))


def _read_amount(raw: bytes) -> None:
    with suppress(ValueError):
        parse_amount(raw.decode())


READERS: Mapping[str, Callable[[bytes], object]] = {
    "filters": has_unbounded_filter,
    "file_names": lambda raw: is_reserved(raw.decode()),
    "prologs": _DOCTYPE_IN_PROLOG.match,
    "roots": read_root_name,
    "attachments": lambda raw: [_is_announced(raw, each) for each in _TYPES],
    "texts": _read_text,
    "dispositions": lambda raw: read_disposition(b'form-data; name="%b"' % raw),
    "amounts": _read_amount,
    "traceparents": lambda raw: parse_traceparent(raw.decode()),
}
