"""Prefilled ticket, built from a conversation or a chat."""

from collections.abc import Iterable
from dataclasses import dataclass

from services.support.access.domain.texts import TEXT_LIMIT, TITLE_LIMIT
from shared.vocabulary.texts import clean

_CUT = "[…]\n"


@dataclass(frozen=True, slots=True)
class Prefill:
    """Prefilled ticket, which its issuer may change."""

    title: str
    description: str
    sub_category: str | None
    piece: str | None


def cut_title(text: str) -> str:
    """Cut a text to the length of a title."""
    title = " ".join(clean(text).split())
    return title if len(title) <= TITLE_LIMIT else f"{title[: TITLE_LIMIT - 1]}…"


def join_description(lines: Iterable[str]) -> str:
    """Join lines into a description; of one that is too long the end is kept."""
    whole = "\n".join(lines).strip()
    if len(whole) <= TEXT_LIMIT:
        return whole
    return _CUT + whole[len(_CUT) - TEXT_LIMIT :]
