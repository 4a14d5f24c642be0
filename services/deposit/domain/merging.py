"""One set of fields out of what the file says and what the depositor says beside it.

Neither wins silently: what both say must be the same.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from services.deposit.domain import rules
from services.deposit.domain.invoice import LABELS, Invoice
from services.deposit.domain.party import Party
from shared.vocabulary.cadres import parse_cadre
from shared.vocabulary.piece_numbers import number_key
from shared.vocabulary.rules import Violation
from shared.vocabulary.texts import quoted, showable

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


def merge(read: Invoice, said: Invoice) -> tuple[Invoice, tuple[Violation, ...]]:
    """Complete what was read by what is said; the breaches are the contradictions, by field."""
    values = {field: _pick(field, read, said) for field in _FIELDS}
    malformed = {**said.malformed, **read.malformed}
    merged = replace(read, **values, malformed=malformed)
    return merged, tuple(_contradictions(read, said))


def shown(read: Invoice) -> Invoice:
    """Cut what a hostile file may hold, by the megabyte or unseen, to what a person can read."""
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
            showable(number[:_KEPT_TEXT]) for number in read.preceding_numbers[:_KEPT_NUMBERS]
        ),
        malformed={field: showable(text[:_KEPT_TEXT]) for field, text in read.malformed.items()},
        contradictions={},
    )


def _pick(field: str, read: Invoice, said: Invoice) -> Any:  # noqa: ANN401 - any field's type
    value = getattr(read, field)
    # A field that the file gives and that cannot be used is set right in the file, not around it.
    return getattr(said, field) if value is None and field not in read.unclear() else value


def _contradictions(read: Invoice, said: Invoice) -> Iterator[Violation]:
    for field in _FIELDS:
        in_file, beside = getattr(read, field), getattr(said, field)
        if in_file is None or beside is None or _same(field, in_file, beside):
            continue
        yield rules.CONTRADICTS_FILE.broken(
            field,
            label=LABELS[field],
            said=quoted(str(beside)),
            read=quoted(str(in_file)),
        )


def _same(field: str, one: object, other: object) -> bool:
    if field == "number":
        return number_key(str(one)) == number_key(str(other))
    if field == "cadre":
        return parse_cadre(str(one)) == parse_cadre(str(other))
    return one == other


def _cut(text: str | None) -> str | None:
    return text and showable(text[:_KEPT_TEXT])


def _cut_party(party: Party) -> Party:
    return Party(
        name=_cut(party.name),
        siret=_cut(party.siret),
        siren=_cut(party.siren),
        vat_number=_cut(party.vat_number),
        address_siren=_cut(party.address_siren),
    )
