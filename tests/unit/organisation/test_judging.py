"""What a structure may declare."""

from bisect import bisect_left
from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from services.organisation.structures.application.messages import build_state
from services.organisation.structures.domain.judgement import judge
from services.organisation.structures.domain.structure import (
    Address,
    Declaration,
    Parameters,
    Service,
    Structure,
)
from shared.contracts.topics import RECORD_MAX_BYTES
from shared.vocabulary.structures import IdentifierType, MoaParameter, StructureKind

SIRET = "35600000000048"
PUBLIC = Declaration(IdentifierType.SIRET, SIRET, "Ville de Lumières", StructureKind.PUBLIQUE)
PRIVATE = replace(PUBLIC, kind=StructureKind.PRIVEE)


def broken(declared: Declaration, at: str = "") -> set[str]:
    violations = judge(declared, at or declared.structure)
    return {f"{violation.code} {violation.field}" for violation in violations}


def test_a_sound_declaration_breaks_nothing() -> None:
    services = (
        Service("EXÉCUTANT 1", "Travaux", engagement_obligatoire=True),
        Service("A-1_", "A"),
    )
    parameters = Parameters(moa=MoaParameter.AVEC, code_service_obligatoire=True)

    assert broken(replace(PUBLIC, parameters=parameters, services=services)) == set()


def test_a_siret_must_keep_its_key() -> None:
    assert broken(replace(PUBLIC, identifier="35600000000049")) == {"ORG-IDENTIFIANT-01 identifier"}


@pytest.mark.parametrize(
    ("kind", "sound", "wrong"),
    [
        (IdentifierType.UE_HORS_FRANCE, "DE123456789", "123456789"),
        (IdentifierType.HORS_UE, "CHÉtablissements B", "CHÉtablissements Bü"),
        (IdentifierType.AUTRE, "FRDupont & Fils", "Dupont & Fils"),
        (IdentifierType.RIDET, "0123456.001", "0123456/001"),
        (IdentifierType.TAHITI, "A12345", ""),
        (IdentifierType.PARTICULIER, "Jean Dupont", " Jean"),
    ],
)
def test_each_type_of_identifier_has_its_shape(
    kind: IdentifierType, sound: str, wrong: str
) -> None:
    declared = replace(PUBLIC, identifier_type=kind)

    assert broken(replace(declared, identifier=sound)) == set()
    assert broken(replace(declared, identifier=wrong)) == {"ORG-IDENTIFIANT-02 identifier"}


def test_the_address_is_the_siret_or_the_type_and_the_identifier() -> None:
    foreign = replace(PUBLIC, identifier_type=IdentifierType.AUTRE, identifier="FRDupont")

    assert foreign.structure == "AUTRE-FRDupont"
    assert broken(foreign, at="FRDupont") == {"ORG-IDENTIFIANT-03 identifier"}
    assert broken(PUBLIC, at=f"SIRET-{SIRET}") == {"ORG-IDENTIFIANT-03 identifier"}


@pytest.mark.parametrize("moa", [MoaParameter.AVEC, MoaParameter.EXCLUSIVEMENT])
def test_only_a_public_structure_is_moa(moa: MoaParameter) -> None:
    parameters = Parameters(moa=moa)

    assert broken(replace(PUBLIC, parameters=parameters)) == set()
    assert broken(replace(PRIVATE, parameters=parameters)) == {"ORG-PARAMETRE-01 parameters.moa"}


def test_every_public_parameter_of_a_private_structure_is_named() -> None:
    everything = Parameters(MoaParameter.SANS, True, True, True, True)
    services = (Service("A", "A"), Service("B", "B", engagement_obligatoire=True))

    assert broken(replace(PRIVATE, parameters=everything, services=services)) == {
        "ORG-PARAMETRE-02 parameters.code_service_obligatoire",
        "ORG-PARAMETRE-02 parameters.numero_engagement_obligatoire",
        "ORG-PARAMETRE-02 parameters.engagement_ou_service",
        "ORG-PARAMETRE-02 parameters.mise_en_paiement_non_remontee",
        "ORG-PARAMETRE-02 services.1.engagement_obligatoire",
    }


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        (Address("1 rue Neuve", "", "59000", "Lille"), set()),
        (Address(city="Monaco", postal_code="MC 98000", country="MC"), set()),
        (Address("1 rue Neuve", "", "59000", "–"), {"ORG-ADRESSE-01 address.city"}),
        (Address(city="Lille", country="fr"), {"ORG-ADRESSE-02 address.country"}),
        (Address(city="Lille", postal_code="5900"), {"ORG-ADRESSE-03 address.postal_code"}),
    ],
)
def test_a_postal_address_has_a_city_a_country_and_a_postal_code_of_that_country(
    address: Address, expected: set[str]
) -> None:
    assert broken(replace(PUBLIC, address=address)) == expected


@pytest.mark.parametrize("email", ["", "ville", "a@b", "a b@ville.example", "a@ville.example\n"])
def test_an_e_mail_has_the_form_of_one(email: str) -> None:
    assert broken(replace(PUBLIC, email="contact@ville.example")) == set()
    assert broken(replace(PUBLIC, email=email)) == {"ORG-COURRIEL-01 email"}


def test_the_validity_of_a_service_does_not_end_before_it_begins() -> None:
    def of(start: date | None, until: date | None) -> set[str]:
        service = Service("A", "A", valid_from=start, valid_until=until)
        return broken(replace(PUBLIC, services=(service,)))

    first, second = date(2026, 12, 1), date(2026, 12, 2)
    assert of(first, second) == of(first, first) == of(first, None) == of(None, first) == set()
    assert of(second, first) == {"ORG-SERVICE-04 services.0.valid_until"}


@pytest.mark.parametrize("code", ["", " A", "A ", "A/B", "A" * 101, "Α", "A\n"])
def test_a_service_code_has_allowed_characters_only(code: str) -> None:
    declared = replace(PUBLIC, services=(Service(code, "Travaux"),))

    assert broken(declared) == {"ORG-SERVICE-01 services.0.code"}


def test_everything_that_is_wrong_is_told_at_once() -> None:
    declared = Declaration(
        identifier_type=IdentifierType.SIRET,
        identifier="123",
        name="",
        kind=StructureKind.PRIVEE,
        parameters=Parameters(moa=MoaParameter.AVEC),
        services=(Service("A", "A"), Service("A", "B"), Service("?", "")),
    )

    assert broken(declared, at=SIRET) == {
        "ORG-IDENTIFIANT-01 identifier",
        "ORG-IDENTIFIANT-03 identifier",
        "ORG-NOM-01 name",
        "ORG-PARAMETRE-01 parameters.moa",
        "ORG-SERVICE-02 services.0.code",
        "ORG-SERVICE-02 services.1.code",
        "ORG-SERVICE-01 services.2.code",
        "ORG-NOM-01 services.2.name",
    }


@pytest.mark.parametrize("sign", ["e", "é", "'", "🚧"])
def test_the_services_of_a_structure_fit_in_one_event_whatever_their_names(sign: str) -> None:
    def of(count: int) -> Declaration:
        services = (
            Service(f"S{rank}", "a" + sign * 199, valid_from=date(2026, 1, 1))
            for rank in range(count)
        )
        return replace(PUBLIC, services=tuple(services))

    most = bisect_left(range(5000), True, key=lambda count: bool(broken(of(count)))) - 1

    assert broken(of(most + 1)) == {"ORG-SERVICE-03 services"}
    assert 500_000 < _told_bytes(of(most)) < RECORD_MAX_BYTES


def _told_bytes(declared: Declaration) -> int:
    told = build_state(Structure(1, declared), datetime(2026, 11, 29, tzinfo=UTC))
    return len(told.model_dump_json(exclude_none=True).encode())
