"""Text of a ticket as the model reads it: without the closing formula and the signature."""

import re

from services.support.suggestions.domain.suggestions import READ_LIMIT
from shared.vocabulary.texts import fold

_CLOSINGS = (
    "--",
    "(bien |tres |sincerement )?cordialement",
    "cdlt",
    "cdt",
    "sincerement",
    "bien a vous",
    "bonne (fin de )?journee",
    "bonne reception",
    "((sinceres|meilleures|mes|nos) )*salutations",
    "veuillez (agreer|recevoir|croire)",
    "(je|nous) vous (prie|prions) (d agreer|de croire|de recevoir)",
    "(en )?vous remerciant",
    "merci (d avance|par avance)",
    "dans l attente de votre",
    "(best |kind )?regards",
    "sincerely",
    "envoye (depuis|de) mon",
    "sent from my",
    "ce (message|courriel) (et|est|peut)",
)
"""Beginnings of a closing line, folded."""
_CLOSING = re.compile(rf"({'|'.join(_CLOSINGS)})(?!\w)")
_SHORT = 10
"""Minimum number of characters before a closing formula; a shorter text is not a letter."""


def strip_closing(text: str) -> str:
    """Strip the closing formula of a letter and what follows it."""
    kept: list[str] = []
    for line in text.splitlines():
        begins = " ".join(re.sub(r"[^\w-]+", " ", fold(line)).split())
        if _CLOSING.match(begins) and sum(map(len, kept)) >= _SHORT:
            break
        kept.append(line)
    return "\n".join(kept).strip()


def build_text(title: str, description: str) -> str:
    """Build the text that the model reads: the title, then the beginning of the description."""
    return f"{title}\n{strip_closing(description[:READ_LIMIT])}"[:READ_LIMIT]
