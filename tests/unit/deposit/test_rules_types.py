"""The type of document: what it takes away is never kept as what it adds."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from deploy.local.einvoices import Einvoice, write_cii, write_factur_x, write_ubl
from services.deposit.adapters.einvoice.reader import read_einvoice
from services.deposit.domain.invoice import Invoice
from services.deposit.domain.judgement import judge
from services.deposit.domain.proposal import Proposal
from shared.vocabulary.codes import CREDIT_NOTES, Syntax
from tests.kit.einvoices import an_einvoice
from tests.unit.deposit.builders import (
    OPENING,
    READ,
    WORLD,
    a_piece,
    a_state,
    accepted,
    after,
    broken,
    next_piece,
    reading,
    stating,
)

MISSING = ("DEP-INV-01", "type_code")
CONTRADICTS = ("DEP-META-08", "type_code")
REFUSED = ("DEP-META-05", "type_code")


def proposing(content: bytes, type_code: str | None = None) -> Proposal:
    """Propose the type of a file, and what its root says of it, in the opener that is right."""
    read = read_einvoice(content, "f")
    fields = replace(
        READ,
        syntax=read.syntax,
        type_code=read.type_code,
        is_credit_note=read.is_credit_note,
        contradictions=read.contradictions,
    )
    beside = OPENING.metadata if type_code is None else stating(type_code=type_code)
    return replace(OPENING, read=fields, metadata=beside)


def typed(write: Callable[[Einvoice], bytes], type_code: str | None, **fields: bool) -> bytes:
    """Write an e-invoice of a type, or without one."""
    text = write(an_einvoice(**fields)).decode()
    (name,) = [
        each for each in ("InvoiceTypeCode", "CreditNoteTypeCode", "ram:TypeCode") if each in text
    ][:1]
    head, _, rest = text.partition(f"{name}>")
    value, _, tail = rest.partition("<")
    assert value.isdigit()
    if type_code is None:
        opened = head[: head.rindex("<")]
        return (opened + tail[tail.index(">") + 1 :]).encode()
    return f"{head}{name}>{type_code}<{tail}".encode()


@pytest.mark.parametrize("write", [write_ubl, write_cii])
@pytest.mark.parametrize("is_credit_note", [True, False])
@pytest.mark.parametrize("beside", [None, "380", "381"])
def test_an_e_invoice_without_a_type_is_refused(
    write: Callable[[Einvoice], bytes], beside: str | None, *, is_credit_note: bool
) -> None:
    content = typed(write, None, is_credit_note=is_credit_note)

    assert MISSING in broken(proposing(content, beside))


def test_the_type_of_each_file_that_we_write_is_that_of_its_root() -> None:
    for write in (write_ubl, write_cii, write_factur_x):
        for is_credit_note in (True, False):
            content = write(an_einvoice(is_credit_note=is_credit_note))
            draft = accepted(proposing(content))
            assert draft.type_code == ("381" if is_credit_note else "380")


@pytest.mark.parametrize("type_code", ["381", " 381 ", "261", "396", "81"])
def test_an_invoice_is_no_avoir(type_code: str) -> None:
    assert CONTRADICTS in broken(proposing(typed(write_ubl, type_code)))


@pytest.mark.parametrize("type_code", ["380", "384", "386", "389", "751"])
def test_a_credit_note_is_an_avoir(type_code: str) -> None:
    assert CONTRADICTS in broken(proposing(typed(write_ubl, type_code, is_credit_note=True)))


@pytest.mark.parametrize("type_code", ["751", "0381", "3 81", "avoir", "３８１", "99999"])
def test_a_type_that_the_platform_does_not_know_is_refused(type_code: str) -> None:
    assert REFUSED in broken(proposing(typed(write_cii, type_code)))


_NAMED = {
    "875": ("facture partielle de travaux", "cadre", "380"),
    "876": ("facture de fin d'une partie des travaux", "cadre", "380"),
    "877": ("facture de fin de travaux", "cadre", "380"),
    "261": ("avoir établi par l'acheteur", "portail", "381"),
    "262": ("avoir de remise globale", "portail", "381"),
    "393": ("facture affacturée", "affactureur", "380"),
    "396": ("avoir affacturé", "affactureur", "381"),
    "501": ("facture affacturée établie par l'acheteur", "affactureur", "389"),
    "502": ("avoir affacturé établi par l'acheteur", "affactureur", "381"),
    "503": ("avoir de facture d'acompte", "portail", "381"),
}


@pytest.mark.parametrize("type_code", _NAMED)
def test_a_type_that_is_known_and_not_taken_is_refused_by_its_name(type_code: str) -> None:
    name, why, instead = _NAMED[type_code]
    is_credit_note = instead == "381"

    for content in (
        typed(write_cii, type_code),
        typed(write_ubl, type_code, is_credit_note=is_credit_note),
    ):
        (refusal,) = judge(proposing(content), WORLD).violations
        assert (refusal.code, refusal.field) == REFUSED
        assert f"« {type_code} », {name}, n'est pas admis" in refusal.message
        assert why in refusal.message
        assert refusal.remedy == f"Choisir le type {instead}."


def test_a_type_that_is_not_known_is_refused_with_those_that_are_taken() -> None:
    (refusal,) = judge(proposing(typed(write_cii, "99999")), WORLD).violations

    assert refusal.message == "Le type de document « 99999 » n'est pas admis."
    assert refusal.remedy == "Choisir le type 380, 381, 384, 386 ou 389."


@pytest.mark.parametrize("type_code", ["380", "381", "384", "386", "389"])
def test_each_type_that_is_taken_is_kept_as_it_is(type_code: str) -> None:
    assert accepted(proposing(typed(write_cii, type_code))).type_code == type_code


def test_a_type_said_twice_is_refused() -> None:
    code = b"<cbc:InvoiceTypeCode>380</cbc:InvoiceTypeCode>"
    twice = write_ubl(an_einvoice()).replace(code, code + code.replace(b"380", b"384"))
    borrowed = write_ubl(an_einvoice()).replace(
        code, code + b"<cbc:CreditNoteTypeCode>381</cbc:CreditNoteTypeCode>"
    )

    assert ("DEP-INV-11", "type_code") in broken(proposing(twice))
    assert ("DEP-INV-11", "type_code") in broken(proposing(borrowed))


def test_the_type_of_a_plain_pdf_is_what_is_said_of_it_or_an_invoice() -> None:
    pdf = replace(OPENING, read=replace(READ, syntax=Syntax.PDF, type_code=None))

    assert accepted(pdf).type_code == "380"
    assert accepted(replace(pdf, metadata=stating(type_code="381"))).type_code == "381"


def test_a_plain_pdf_that_follows_an_avoir_is_one_unless_it_says_otherwise() -> None:
    avoir = a_piece(reading(type_code="381"))
    world = after(avoir, a_state(avoir))

    assert accepted(next_piece(), world).type_code == "381"
    assert accepted(next_piece(type_code="380"), world).type_code == "380"
    plain = a_piece()
    assert accepted(next_piece(), after(plain, a_state(plain))).type_code == "380"


def test_every_type_of_avoir_is_a_credit_note_to_the_root_rule() -> None:
    for type_code in CREDIT_NOTES:
        invoice: Invoice = replace(READ, type_code=type_code, is_credit_note=True)
        assert CONTRADICTS not in broken(replace(OPENING, read=invoice))


@pytest.mark.parametrize("code", ["81", "458", "532"])
def test_a_type_of_avoir_that_the_table_does_not_have_is_told_to_be_381(code: str) -> None:
    refused = judge(reading(type_code=code), WORLD).violations

    assert [each.remedy for each in refused if each.code == "DEP-META-05"] == [
        "Choisir le type 381."
    ]
