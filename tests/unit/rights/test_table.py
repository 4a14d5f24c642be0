"""Table of rights, catalogue of applications, needs and identities."""

import hashlib

import pytest

from shared.rights.catalogue import (
    ApplicationsError,
    find_application,
    find_application_of_role,
    list_applications,
    parse_applications,
)
from shared.rights.identity import compute_identity, normalise_email
from shared.rights.model import Level, PrincipalKind
from shared.rights.needs import NeedError, NeedKind, parse_need
from shared.rights.table import TableError, parse_rights
from shared.vocabulary.roles import Role

HEAD = "service;methode;chemin;besoin\n"
APPLICATIONS = "domaine;libelle_domaine;application;libelle;niveaux;source\n"


def test_the_catalogue_has_these_applications_in_these_domains() -> None:
    assert [(each.domain, each.code, each.label) for each in list_applications()] == [
        ("facturation", "factures_de_travaux", "Factures de travaux"),
        ("facturation", "factures_emises", "Factures émises"),
        ("facturation", "factures_recues", "Factures reçues"),
        ("organisation", "organisation", "Gérer ma structure"),
        ("assistance", "sollicitations", "Sollicitations"),
    ]


def test_an_application_is_found_by_its_code() -> None:
    found = find_application("factures_recues")

    assert found is not None
    assert found.levels == (Level.CONSULTATION, Level.MODIFICATION)
    assert find_application("autre") is None


@pytest.mark.parametrize(
    ("role", "application"),
    [
        ("titulaire", "factures_de_travaux"),
        ("cotraitant", "factures_de_travaux"),
        ("sous_traitant", "factures_de_travaux"),
        ("moe", "factures_de_travaux"),
        ("moa", "factures_de_travaux"),
        ("service_financier", "factures_recues"),
    ],
)
def test_a_role_works_in_one_application(role: str, application: str) -> None:
    assert find_application_of_role(Role(role)) == application


@pytest.mark.parametrize(
    "text",
    [
        "domaine;application\n",
        APPLICATIONS + "d;D;a;A;consultation;\n",
        APPLICATIONS + "d;D;a;A;consultation;s;more\n",
        APPLICATIONS + "d;D;a;A;everything;s\n",
        APPLICATIONS + "d;D;a;A;consultation;s\nd;D;a;B;consultation;s\n",
        APPLICATIONS + "d;D;a;A;consultation;s\nd;E;b;B;consultation;s\n",
    ],
)
def test_a_faulty_catalogue_is_refused(text: str) -> None:
    with pytest.raises(ApplicationsError):
        parse_applications(text)


@pytest.mark.parametrize(
    "text",
    [
        "public",
        "signed-in",
        "member",
        "pieces consultation",
        "factures_recues modification",
        "manager",
        "main-manager",
        "operator",
        "desk",
        "organisation modification | operator",
    ],
)
def test_a_need_is_read_and_written_alike(text: str) -> None:
    assert str(parse_need(text)) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "pieces",
        "application",
        "autre",
        "pieces lecture",
        "autre consultation",
        "manager | manager",
    ],
)
def test_an_unknown_need_is_refused(text: str) -> None:
    with pytest.raises(NeedError):
        parse_need(text)


def test_a_need_is_public_when_one_of_its_rights_is() -> None:
    assert parse_need("public | desk").is_public
    assert not parse_need("pieces consultation").is_public
    assert parse_need("pieces consultation").has_role
    assert parse_need("manager | operator").find(NeedKind.OPERATOR) is not None


@pytest.mark.parametrize(
    ("held", "needed", "covers"),
    [
        ("consultation", "consultation", True),
        ("consultation", "modification", False),
        ("modification", "consultation", True),
        ("modification", "modification", True),
    ],
)
def test_modification_includes_consultation(held: str, needed: str, covers: bool) -> None:
    assert Level(held).covers(Level(needed)) is covers


def test_a_table_gives_the_need_of_each_route() -> None:
    read = parse_rights(HEAD + "portal;GET;/pieces;pieces consultation\nportal;WS;/live;public\n")

    assert {route: str(need) for route, need in read["portal"].items()} == {
        ("GET", "/pieces"): "pieces consultation",
        ("WS", "/live"): "public",
    }


@pytest.mark.parametrize(
    "text",
    [
        "service;methode;chemin\n",
        HEAD + "portal;GET;/pieces;\n",
        HEAD + "portal;GET;/pieces;public;more\n",
        HEAD + "portal;FETCH;/pieces;public\n",
        HEAD + "portal;GET;pieces;public\n",
        HEAD + "portal;GET;/pieces;everybody\n",
        HEAD + "portal;GET;/pieces;public\nportal;GET;/pieces;member\n",
    ],
)
def test_a_faulty_table_is_refused(text: str) -> None:
    with pytest.raises(TableError, match=r"line|columns"):
        parse_rights(text)


@pytest.mark.parametrize(
    "email",
    ["anne@mairie.example", "Anne@Mairie.Example ", "\tANNE@MAIRIE.EXAMPLE"],
)
def test_one_person_has_one_identity_however_the_address_is_written(email: str) -> None:
    expected = hashlib.sha256(b"user:anne@mairie.example").hexdigest()

    assert compute_identity(PrincipalKind.USER, email) == expected


@pytest.mark.parametrize(
    "email",
    [
        "anne+1@mairie.example",
        "\uff41nne@mairie.example",
        "\u24d0nne@mairie.example",
        "ann\u0435@mairie.example",
    ],
)
def test_an_address_that_only_looks_alike_is_another_person(email: str) -> None:
    assert normalise_email(email) != normalise_email("anne@mairie.example")


def test_programs_have_identities_of_their_own() -> None:
    assert compute_identity(PrincipalKind.MACHINE, "M1") != compute_identity(
        PrincipalKind.MACHINE, "m1"
    )
