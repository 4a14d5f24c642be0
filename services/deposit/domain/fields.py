"""Fields of a deposit: those of the file, completed by those of the metadata.

Neither has priority: when both state a field, they must agree.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from services.deposit.domain import rules
from services.deposit.domain.file_party import Party
from services.deposit.domain.invoice import LABELS, Invoice
from shared.vocabulary.cadres import parse_cadre
from shared.vocabulary.piece_numbers import build_number_key
from shared.vocabulary.rules import Violation
from shared.vocabulary.texts import make_showable, quote_line

_FIELDS = (
    "number",
    "issued_on",
    "currency",
    "ht",
    "tva",
    "ttc",
    "due",
    "type_code",
    "cadre",
    "engagement",
    "marche",
)
_KEPT_TEXT = 200
_KEPT_NUMBERS = 20


def merge(read: Invoice, stated: Invoice) -> tuple[Invoice, tuple[Violation, ...]]:
    """Merge the fields of the file with those of the metadata; a contradiction is a violation."""
    values = {field: _pick(field, read, stated) for field in _FIELDS}
    malformed = {**stated.malformed, **read.malformed}
    merged = replace(read, **values, malformed=malformed)
    return merged, tuple(_find_contradictions(read, stated))


def truncate(read: Invoice) -> Invoice:
    """Truncate the fields of a file: a hostile file may put megabytes into one field."""
    return replace(
        read,
        number=_cut(read.number),
        currency=_cut(read.currency),
        type_code=_cut(read.type_code),
        engagement=_cut(read.engagement),
        marche=_cut(read.marche),
        service_code=_cut(read.service_code),
        profile=_cut(read.profile),
        seller=_cut_party(read.seller),
        buyer=_cut_party(read.buyer),
        payee=_cut_party(read.payee),
        tax_representative=_cut_party(read.tax_representative),
        preceding_numbers=tuple(
            make_showable(number[:_KEPT_TEXT]) for number in read.preceding_numbers[:_KEPT_NUMBERS]
        ),
        malformed={
            field: make_showable(text[:_KEPT_TEXT]) for field, text in read.malformed.items()
        },
        contradictions={},
    )


def _pick(field: str, read: Invoice, stated: Invoice) -> Any:  # noqa: ANN401 - any field's type
    value = getattr(read, field)
    # A field that is unusable in the file must be corrected in the file, not in the metadata.
    return getattr(stated, field) if value is None and field not in read.list_unclear() else value


def _find_contradictions(read: Invoice, stated: Invoice) -> Iterator[Violation]:
    for field in _FIELDS:
        in_file, beside = getattr(read, field), getattr(stated, field)
        if in_file is None or beside is None or _is_same(field, in_file, beside):
            continue
        yield rules.CONTRADICTS_FILE.build_violation(
            field,
            label=LABELS[field],
            said=quote_line(str(beside)),
            read=quote_line(str(in_file)),
        )


def _is_same(field: str, one: object, other: object) -> bool:
    if field == "number":
        return build_number_key(str(one)) == build_number_key(str(other))
    if field == "cadre":
        return parse_cadre(str(one)) == parse_cadre(str(other))
    return one == other


def _cut(text: str | None) -> str | None:
    return text and make_showable(text[:_KEPT_TEXT])


def _cut_party(party: Party) -> Party:
    return Party(
        name=_cut(party.name),
        siret=_cut(party.siret),
        siren=_cut(party.siren),
        vat_number=_cut(party.vat_number),
        address_siren=_cut(party.address_siren),
    )
