"""What a structure may declare."""

from bisect import bisect_left
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from services.organisation.application import build_state
from services.organisation.domain.judgement import judge
from services.organisation.domain.structure import Declaration, Parameters, Service, Structure
from shared.contracts.topics import RECORD_MAX_BYTES
from shared.vocabulary.structures import IdentifierType, MoaParameter, StructureKind

SIRET = "35600000000048"
PUBLIC = Declaration(IdentifierType.SIRET, SIRET, "Ville de Lumières", StructureKind.PUBLIQUE)
PRIVATE = replace(PUBLIC, kind=StructureKind.PRIVEE)


def broken(declared: Declaration, at: str = "", current: Structure | None = None) -> set[str]:
    violations = judge(declared, at or declared.structure, current)
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


def test_the_kind_of_a_structure_stays() -> None:
    assert broken(PRIVATE, current=Structure(1, PUBLIC)) == {"ORG-TYPE-01 kind"}
    assert broken(PUBLIC, current=Structure(1, PRIVATE)) == {"ORG-TYPE-01 kind"}


@pytest.mark.parametrize("moa", [MoaParameter.AVEC, MoaParameter.EXCLUSIVEMENT])
def test_only_a_public_structure_is_moa(moa: MoaParameter) -> None:
    parameters = Parameters(moa=moa)

    assert broken(replace(PUBLIC, parameters=parameters)) == set()
    assert broken(replace(PRIVATE, parameters=parameters)) == {"ORG-PARAMETRE-01 parameters.moa"}


def test_every_public_parameter_of_a_private_structure_is_named() -> None:
    everything = Parameters(MoaParameter.SANS, True, True, True, True, True)
    services = (Service("A", "A"), Service("B", "B", engagement_obligatoire=True))

    assert broken(replace(PRIVATE, parameters=everything, services=services)) == {
        "ORG-PARAMETRE-02 parameters.code_service_obligatoire",
        "ORG-PARAMETRE-02 parameters.numero_engagement_obligatoire",
        "ORG-PARAMETRE-02 parameters.engagement_ou_service",
        "ORG-PARAMETRE-02 parameters.mise_en_paiement_non_remontee",
        "ORG-PARAMETRE-02 services.1.engagement_obligatoire",
    }


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

    assert broken(declared, at=SIRET, current=Structure(3, PUBLIC)) == {
        "ORG-IDENTIFIANT-01 identifier",
        "ORG-IDENTIFIANT-03 identifier",
        "ORG-NOM-01 name",
        "ORG-TYPE-01 kind",
        "ORG-PARAMETRE-01 parameters.moa",
        "ORG-SERVICE-02 services.0.code",
        "ORG-SERVICE-02 services.1.code",
        "ORG-SERVICE-01 services.2.code",
        "ORG-NOM-01 services.2.name",
    }


@pytest.mark.parametrize("sign", ["e", "é", "'", "🚧"])
def test_the_services_of_a_structure_fit_in_one_event_whatever_their_names(sign: str) -> None:
    def of(count: int) -> Declaration:
        services = (Service(f"S{rank}", "a" + sign * 199) for rank in range(count))
        return replace(PUBLIC, services=tuple(services))

    most = bisect_left(range(5000), True, key=lambda count: bool(broken(of(count)))) - 1

    assert broken(of(most + 1)) == {"ORG-SERVICE-03 services"}
    assert 500_000 < _told_bytes(of(most)) < RECORD_MAX_BYTES


def _told_bytes(declared: Declaration) -> int:
    told = build_state(Structure(1, declared), datetime(2026, 11, 29, tzinfo=UTC))
    return len(told.model_dump_json().encode())
