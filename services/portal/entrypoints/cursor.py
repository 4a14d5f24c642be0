"""Cursor of a page, as an opaque text that only this service reads."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import UTC

from services.portal.domain import rules
from services.portal.domain.criteria import Place
from shared.runtime.web.problems import build_refused
from shared.vocabulary.dates import parse_moment

_ID_LIMIT = 100


def write_cursor(place: Place) -> str:
    """Encode a position as a cursor."""
    moment = place.deposited_at.astimezone(UTC).isoformat() if place.deposited_at else ""
    return urlsafe_b64encode(f"{moment}|{place.piece_id}".encode()).decode().rstrip("=")


def read_cursor(text: str | None) -> Place | None:
    """Decode a cursor. Raises a 422 problem for a text that `write_cursor` did not write."""
    if text is None:
        return None
    place = _decode(text)
    if place is None or write_cursor(place) != text:
        raise build_refused([rules.CURSOR_UNREADABLE.build_violation("after")])
    return place


def _decode(text: str) -> Place | None:
    try:
        written = urlsafe_b64decode(text.encode("ascii") + b"=" * (-len(text) % 4)).decode()
        moment, _, piece_id = written.partition("|")
        place = Place(parse_moment(moment).astimezone(UTC) if moment else None, piece_id)
    except ValueError:
        return None
    return place if 0 < len(piece_id) <= _ID_LIMIT else None
