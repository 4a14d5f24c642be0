"""The rules of a piece that opens a dossier: each is broken once, by code and by field."""

import re
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from services.deposit.domain import rules
from services.deposit.domain.file_party import Party as FileParty
from services.deposit.domain.invoice import Invoice
from services.deposit.domain.judgement import World, judge
from services.deposit.domain.metadata import Metadata
from services.deposit.domain.proposal import Proposal
from services.deposit.domain.unreadable import MALFORMED_XML
from shared.circuit.loader import load_version
from shared.circuit.parties import Party, Service
from shared.vocabulary.codes import ModePaiement, Syntax
from shared.vocabulary.roles import Application, Role
from shared.vocabulary.rules import Rule
from shared.vocabulary.structures import MoaParameter, StructureStatus
from tests.unit.deposit.builders import (
    DIRECTORY,
    MOA,
    MOE,
    OPENING,
    PAYER,
    READ,
    TITULAIRE,
    TODAY,
    WORLD,
    a_structure,
    accepted,
    broken,
    naming,
    reading,
    stating,
)


def where(name: str, **changes: Any) -> World:  # noqa: ANN401 - any field of a structure
    """Give the world in which a structure is another one."""
    return replace(WORLD, directory={**DIRECTORY, name: a_structure(name, **changes)})


def test_a_right_opener_is_accepted_and_goes_to_its_moe() -> None:
    draft = accepted(OPENING)

    recipient = draft.recipient
    assert (recipient.role, recipient.structure) == (Role.MOE, MOE)
    assert recipient.application is Application.FACTURES_DE_TRAVAUX
    assert draft.parties.service_financier.structure == PAYER
    assert draft.directory == {TITULAIRE: 3, MOE: 3, MOA: 3, PAYER: 3}


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"number": "SIT-2"}, "number"),
        ({"currency": "USD"}, "currency"),
        ({"ttc": Decimal("120.01")}, "amounts.ttc"),
        ({"cadre": "A7"}, "cadre"),
        ({"type_code": "381"}, "type_code"),
    ],
)
def test_what_is_said_may_not_contradict_the_file(fields: dict[str, Any], field: str) -> None:
    assert broken(replace(OPENING, metadata=stating(**fields))) == [("DEP-META-01", field)]


def test_what_the_file_says_may_be_said_again() -> None:
    same = stating(number=" sit-1 ", ttc=Decimal("120.0"), cadre="A4")
    long = stating(cadre="A4_PROJET_DECOMPTE_MENSUEL_FOURNISSEUR")

    assert broken(replace(OPENING, metadata=same)) == []
    assert broken(replace(OPENING, metadata=long)) == []


def test_a_field_that_the_file_gives_malformed_is_not_mended_beside_it() -> None:
    proposal = replace(
        OPENING,
        read=replace(READ, due=None, malformed={"due": "1.234"}),
        metadata=stating(due=Decimal("1.23")),
    )

    assert broken(proposal) == [("DEP-INV-04", "amounts.due")]


def test_a_malformed_amount_beside_a_plain_pdf_is_named() -> None:
    proposal = replace(
        OPENING, read=replace(READ, due=None), metadata=stating(malformed={"due": "120.001"})
    )

    assert broken(proposal) == [("DEP-INV-04", "amounts.due")]


def test_the_seller_of_the_file_is_the_titulaire() -> None:
    other = reading(seller=FileParty(siret=MOE))

    assert ("CIR-PARTIE-02", "depositor.structure") in broken(other)
    assert accepted(reading(seller=FileParty())).parties.titulaire.structure == TITULAIRE
    for known in (
        FileParty(siren="552081317"),
        FileParty(vat_number="FR03552081317"),
        FileParty(address_siren="552081317"),
    ):
        assert broken(reading(seller=known)) == [("DEP-META-02", "parties.titulaire.structure")]
    assert accepted(reading(seller=FileParty(vat_number="FR44732829320")))


def test_the_buyer_of_the_file_is_the_service_financier_or_the_moa() -> None:
    payer = {Role.SERVICE_FINANCIER: Party(PAYER)}
    bought_by_moa = replace(naming(payer), read=replace(READ, buyer=FileParty(siret=MOA)))
    bought_by_other = replace(naming(payer), read=replace(READ, buyer=FileParty(siret=MOE)))

    assert broken(bought_by_moa) == []
    assert broken(bought_by_other) == [("DEP-META-02", "parties.service_financier.structure")]


def test_a_buyer_known_by_its_vat_number_alone_is_compared() -> None:
    payer = {Role.SERVICE_FINANCIER: Party(PAYER)}

    def bought(number: str) -> Proposal:
        return replace(naming(payer), read=replace(READ, buyer=FileParty(vat_number=number)))

    assert broken(bought("FR03552081317")) == []
    assert broken(bought("FR44732829320")) == [
        ("DEP-META-02", "parties.service_financier.structure")
    ]


def test_a_structure_known_by_its_vat_number_is_compared_with_the_seller_s() -> None:
    german = "UE_HORS_FRANCE-DE811569869"
    directory = {**DIRECTORY, german: a_structure(german)}
    world = replace(WORLD, directory=directory)

    def sold(number: str) -> Proposal:
        file = replace(READ, seller=FileParty(vat_number=number))
        return replace(OPENING, structure=german, read=file)

    assert broken(sold("DE811569869"), world) == []
    assert broken(sold("DE123456789"), world) == [("DEP-META-02", "parties.titulaire.structure")]


def test_the_service_code_goes_to_the_moa_that_buys_by_its_siren() -> None:
    payer = {Role.SERVICE_FINANCIER: Party(PAYER), Role.MOA: Party(MOA)}
    bought = replace(READ, buyer=FileParty(siren="356000000"), service_code="TRAVAUX")
    draft = accepted(replace(naming(payer), read=bought))

    assert (draft.parties.moa, draft.parties.service_financier) == (
        Party(MOA, "TRAVAUX"),
        Party(PAYER),
    )


def test_the_service_code_of_the_file_is_the_buyer_s() -> None:
    assert accepted(reading(service_code="TRAVAUX")).parties.service_financier == Party(
        PAYER, "TRAVAUX"
    )
    contradiction = replace(
        naming({Role.SERVICE_FINANCIER: Party(PAYER, "CLOS")}),
        read=replace(READ, service_code="TRAVAUX"),
    )
    assert broken(contradiction) == [("DEP-META-01", "parties.service_financier.service")]


def test_a_service_takes_a_deposit_from_its_first_day_to_its_last() -> None:
    def deposit_for(service: Service) -> list[tuple[str, str]]:
        world = where(PAYER, services={"BATI": service})
        return broken(naming({Role.SERVICE_FINANCIER: Party(PAYER, "BATI")}), world)

    before, day, after = (TODAY + timedelta(days=days) for days in (-1, 0, 1))
    refused = [("CIR-SERVICE-02", "parties.service_financier.service")]
    assert deposit_for(Service(valid_from=day, valid_until=day)) == []
    assert deposit_for(Service(valid_until=before)) == refused
    assert deposit_for(Service(valid_from=after)) == refused


def test_service_codes_that_differ_at_their_end_are_told_apart() -> None:
    proposal = replace(
        naming({Role.SERVICE_FINANCIER: Party(PAYER, "SERVICE-BATIMENT-1")}),
        read=replace(READ, service_code="SERVICE-BATIMENT-2"),
    )

    violations = judge(proposal, WORLD).violations

    (contradiction,) = (each for each in violations if each.code == rules.CONTRADICTS_FILE.code)
    assert "SERVICE-BATIMENT-1" in contradiction.message
    assert "SERVICE-BATIMENT-2" in contradiction.message


def test_a_cadre_is_needed_known_and_an_opener() -> None:
    assert broken(reading(cadre=None)) == [("DEP-META-04", "cadre")]
    assert broken(reading(cadre="A99")) == [("CIR-CADRE-01", "cadre")]
    assert broken(reading(cadre="A8")) == [("CIR-CADRE-02", "cadre")]
    assert broken(reading(cadre="A20")) == [("CIR-CADRE-04", "cadre")]


def test_the_long_code_of_a_cadre_is_understood() -> None:
    beside = stating(cadre="A4_PROJET_DECOMPTE_MENSUEL_FOURNISSEUR")

    assert accepted(replace(reading(cadre=None), metadata=beside)).cadre == "A4"


@pytest.mark.parametrize(
    ("fields", "rule", "field"),
    [
        ({"type_code": "751"}, "DEP-META-05", "type_code"),
        ({"engagement": "E" * 51}, "DEP-META-06", "engagement"),
        ({"marche": "M" * 101}, "DEP-META-06", "marche"),
    ],
)
def test_the_other_fields_of_the_file_are_bounded(
    fields: dict[str, Any], rule: str, field: str
) -> None:
    assert broken(reading(**fields)) == [(rule, field)]


@pytest.mark.parametrize("text", ["a\0b", "\u202egnp.exe", "\ufffe", "\x1b[2J", "deux\nlignes"])
@pytest.mark.parametrize("field", ["engagement", "marche"])
def test_a_number_that_no_screen_shows_whole_is_refused(field: str, text: str) -> None:
    assert broken(reading(**{field: text})) == [("CIR-CHAMP-05", field)]
    assert broken(replace(OPENING, metadata=stating(**{field: text}))) == [("CIR-CHAMP-05", field)]


def test_a_comment_has_lines_and_a_service_none() -> None:
    commented = replace(OPENING, metadata=replace(OPENING.metadata, comment="Voir\nle plan"))
    hidden = replace(OPENING, metadata=replace(OPENING.metadata, comment="Voir\u202e le plan"))

    assert accepted(commented).comment == "Voir\nle plan"
    assert broken(hidden) == [("CIR-CHAMP-05", "comment")]
    # The service of a MOA is looked up by nobody before the piece reaches it.
    assert broken(naming({Role.MOA: Party(MOA, "TRA\0VAUX")})) == [
        ("CIR-CHAMP-05", "parties.moa.service")
    ]


def test_a_credit_note_has_no_payment_mode() -> None:
    note = reading(type_code="381")
    paid = replace(note, metadata=replace(note.metadata, mode_paiement=ModePaiement.VIREMENT))

    assert broken(note) == []
    assert broken(paid) == [("DEP-META-07", "mode_paiement")]


def test_a_spent_number_is_refused() -> None:
    assert broken(OPENING, replace(WORLD, is_number_spent=True)) == [("DEP-NUM-01", "number")]


def test_a_structure_is_known_active_and_has_a_right_siret() -> None:
    unknown, false = "44306184100047", "12345678901234"

    assert broken(naming({Role.MOE: Party(unknown)})) == [
        ("CIR-STRUCTURE-01", "parties.moe.structure")
    ]
    assert broken(naming({Role.MOE: Party(false)})) == [("DEP-INV-10", "parties.moe.structure")]
    inactive = where(MOE, status=StructureStatus.INACTIF)
    assert broken(OPENING, inactive) == [("CIR-STRUCTURE-02", "parties.moe.structure")]
    assert broken(naming({Role.MOA: Party(MOE)})) == [
        ("CIR-STRUCTURE-03", "parties.moa.structure"),
        ("CIR-MOA-01", "parties.moa.structure"),
    ]


def test_each_role_ahead_is_named() -> None:
    nobody = replace(naming({Role.MOE: None}), read=replace(READ, buyer=FileParty()))

    assert broken(nobody) == [
        ("CIR-PARTIE-01", "parties.moe.structure"),
        ("CIR-PARTIE-01", "parties.service_financier.structure"),
    ]


def test_what_the_moa_parameter_forbids_is_refused_at_the_opening() -> None:
    sans = where(MOA, moa=MoaParameter.SANS)
    only = where(PAYER, moa=MoaParameter.EXCLUSIVEMENT)
    avec = where(PAYER, moa=MoaParameter.AVEC)

    assert broken(OPENING, sans) == [("CIR-MOA-01", "parties.moa.structure")]
    assert broken(OPENING, only) == [("CIR-MOA-02", "parties.service_financier.structure")]
    without_moa = naming({Role.MOA: None})
    assert broken(without_moa) == []
    assert broken(without_moa, avec) == [("CIR-MOA-03", "parties.moa")]
    assert broken(without_moa, replace(avec, require_moa=False)) == []
    first = replace(avec, circuit=load_version("2026-1"))
    assert broken(without_moa, first) == [
        ("CIR-CADRE-05", "parties.moa"),
        ("CIR-MOA-03", "parties.moa"),
    ]


def test_an_opener_beside_a_piece_that_awaits_it_is_refused_unless_it_is_meant() -> None:
    beside = replace(WORLD, awaited_number="A4-7")
    meant = replace(OPENING, metadata=replace(OPENING.metadata, opens=True))

    assert broken(OPENING, beside) == [("DEP-SUITE-05", "follows")]
    assert broken(meant, beside) == []


def test_the_fields_that_recipient_and_service_financier_require_are_needed() -> None:
    strict = replace(
        WORLD,
        directory={
            **DIRECTORY,
            MOE: a_structure(MOE, code_service_obligatoire=True),
            PAYER: a_structure(PAYER, numero_engagement_obligatoire=True),
        },
    )

    assert broken(OPENING, strict) == [
        ("CIR-CHAMP-01", "parties.moe.service"),
        ("CIR-CHAMP-02", "engagement"),
    ]


def test_all_breaches_are_told_at_once() -> None:
    proposal = Proposal(
        role=Role.TITULAIRE,
        structure=TITULAIRE,
        metadata=Metadata(parties={Role.MOE: Party("12345678901234"), Role.MOA: Party(MOA)}),
        read=replace(READ, number="trop long pour un numéro", ttc=Decimal(1), cadre="A99"),
    )

    assert broken(proposal) == [
        ("DEP-INV-07", "number"),
        ("DEP-INV-08", "number"),
        ("DEP-INV-05", "amounts.ttc"),
        ("CIR-CADRE-01", "cadre"),
        ("DEP-INV-10", "parties.moe.structure"),
    ]


def test_an_unreadable_file_hides_no_breach_beside_it() -> None:
    unreadable = replace(
        naming({Role.MOE: Party("12345678901234"), Role.SERVICE_FINANCIER: Party(PAYER)}),
        read=replace(OPENING.read, syntax=READ.syntax, number=None, cadre=None),
        unreadable=(MALFORMED_XML.build_violation("file", line=3),),
    )

    assert broken(unreadable) == [
        ("DEP-FILE-03", "file"),
        ("DEP-INV-10", "parties.moe.structure"),
    ]


def test_without_a_cadre_no_rule_of_its_circuit_is_judged() -> None:
    nothing_read = Invoice(syntax=Syntax.UBL, type_code="380")
    nameless = Proposal(Role.TITULAIRE, TITULAIRE, Metadata(), nothing_read)
    unreadable = replace(nameless, unreadable=(MALFORMED_XML.build_violation("file", line=3),))
    beside = replace(WORLD, awaited_number="A4-7")

    assert broken(unreadable) == [("DEP-FILE-03", "file")]
    assert ("DEP-META-04", "cadre") in broken(nameless)
    for proposal in (unreadable, nameless):
        for each in judge(proposal, beside).violations:
            assert not re.search(r"  |« »|None|\(\)", each.message), each.message


def test_what_is_shown_of_a_file_is_bounded() -> None:
    hostile = reading(profile="p" * 10_000_000, seller=FileParty("n" * 10_000, TITULAIRE))

    shown = accepted(hostile).read
    assert len(shown.profile or "") == len(shown.seller.name or "") == 200
    assert accepted(reading(seller=FileParty("a\u202eb", TITULAIRE))).read.seller.name == "a�b"


def test_rule_codes_are_unique_and_speak_french() -> None:
    stated = [each for each in vars(rules).values() if isinstance(each, Rule)]

    assert len({rule.code for rule in stated}) == len(stated)
    assert all(rule.sentence.endswith(".") and rule.remedy and rule.source for rule in stated)


@pytest.mark.parametrize(
    ("named", "expected"),
    [("TRAVAUX", []), (None, ["DEP-SERVICE-01"]), ("VOIRIE", ["DEP-SERVICE-01"])],
)
def test_who_is_limited_to_a_service_deposits_for_it(
    named: str | None, expected: list[str]
) -> None:
    services = {each: Service() for each in ("TRAVAUX", "VOIRIE")}
    naming_it = naming({Role.TITULAIRE: Party(TITULAIRE, named)})

    found = broken(replace(naming_it, service="TRAVAUX"), where(TITULAIRE, services=services))

    assert found == [(code, "parties.titulaire.service") for code in expected]
