"""Motives of a refusal: reference data with dates, for each cadre."""

import csv
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path

from shared.circuit import rules
from shared.circuit.fields import judge_showable
from shared.vocabulary.cadres import Cadre
from shared.vocabulary.rules import Violation
from shared.vocabulary.texts import clean, has_visible_letter

_DATA = Path(__file__).parent / "tables" / "motifs-de-refus.csv"

COMMENT_LIMIT = 255
"""Length limit of an explanation (Pastell connector, motives of rejection and suspension)."""


@dataclass(frozen=True, slots=True)
class Motive:
    """Motive of a refusal, the days on which it is valid, and its cadres."""

    code: str
    label: str
    valid_from: date
    valid_until: date
    cadres: frozenset[Cadre]
    needs_comment: bool
    answer: str
    """When not empty, the motive blocks the refusal, and this text says what to do instead."""
    source: str

    def is_offered(self, cadre: Cadre, on: date) -> bool:
        """Tell whether the motive may be chosen for a cadre on a day, its last day included."""
        return cadre in self.cadres and self.valid_from <= on <= self.valid_until


def find_offered_motives(cadre: Cadre, on: date) -> tuple[Motive, ...]:
    """List the motives offered for a cadre on a day, those that block the refusal included."""
    return tuple(motive for motive in _load() if motive.is_offered(cadre, on))


def find_motive_label(code: str) -> str | None:
    """Find the label of a motive, whatever the day; None for an unknown code."""
    return next((motive.label for motive in list_all_motives() if motive.code == code), None)


def list_all_motives() -> tuple[Motive, ...]:
    """List all motives, those of other days included."""
    return _load()


def judge_refusal(
    cadre: Cadre, code: str | None, comment: str | None, on: date
) -> tuple[Violation, ...]:
    """Check the motive of a refusal and the explanation that it may need."""
    offered = find_offered_motives(cadre, on)
    motive = next((motive for motive in offered if motive.code == code), None)
    if motive is None:
        allowed = ", ".join(motive.code for motive in offered if not motive.answer)
        if not code:
            return (rules.MOTIVE_REQUIRED.build_violation("motive", allowed=allowed),)
        rule = rules.MOTIVE_UNKNOWN
        return (rule.build_violation("motive", motive=code, cadre=cadre, allowed=allowed),)
    if motive.answer:
        rule = rules.MOTIVE_BLOCKS
        return (rule.build_violation("motive", label=motive.label, answer=motive.answer),)
    return judge_comment(comment, is_required=motive.needs_comment)


def judge_comment(comment: str | None, *, is_required: bool) -> tuple[Violation, ...]:
    """Check an explanation: present when required, short enough, without hidden characters."""
    text = clean(comment or "")
    if is_required and not has_visible_letter(text):
        return (rules.COMMENT_REQUIRED.build_violation("comment"),)
    if len(text) > COMMENT_LIMIT:
        rule = rules.COMMENT_TOO_LONG
        return (rule.build_violation("comment", length=len(text), limit=COMMENT_LIMIT),)
    return judge_showable("comment", "L'explication", text, lines=True)


@cache
def _load() -> tuple[Motive, ...]:
    with _DATA.open(encoding="utf-8", newline="") as lines:
        return tuple(_read(csv.DictReader(lines, delimiter=";")))


def _read(records: Iterable[dict[str, str]]) -> Iterable[Motive]:
    for record in records:
        yield Motive(
            code=record["code"],
            label=record["libelle"],
            valid_from=date.fromisoformat(record["valide_du"] or "0001-01-01"),
            valid_until=date.fromisoformat(record["valide_au"] or "9999-12-31"),
            cadres=frozenset(record["cadres"].split()),
            needs_comment=record["complement_obligatoire"] == "oui",
            answer=record["reponse_si_bloque"],
            source=record["source"],
        )
