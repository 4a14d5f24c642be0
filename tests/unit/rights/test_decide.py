"""Who is let in by which need: each case is written by hand."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from shared.rights.decide import Denial, Reason, decide
from shared.rights.model import (
    Attachment,
    Choice,
    Habilitation,
    Identity,
    KnownStructure,
    Level,
    ManagerRole,
    NoActorError,
    PlatformRole,
    Principal,
    PrincipalKind,
    Requester,
)
from shared.rights.needs import parse_need
from shared.vocabulary.actors import Actor
from shared.vocabulary.roles import Role
from shared.vocabulary.structures import StructureKind, StructureStatus
from shared.vocabulary.tickets import Desk

PUBLIC = KnownStructure(StructureKind.PUBLIQUE, StructureStatus.ACTIF)
PRIVATE = KnownStructure(StructureKind.PRIVEE, StructureStatus.ACTIF)
CLOSED = KnownStructure(StructureKind.PUBLIQUE, StructureStatus.INACTIF)
ISSUED = Identity(
    issuer="https://qui.example",
    subject="1",
    kind=PrincipalKind.USER,
    expires_at=datetime(2026, 11, 30, 12, tzinfo=UTC),
    email="a@mairie.example",
    name="Anne Exemple",
    may_operate=True,
)
SCOPED = replace(
    ISSUED, kind=PrincipalKind.MACHINE, client="m1", scopes=frozenset({"organisation:modification"})
)
READS, CHANGES = Level.CONSULTATION, Level.MODIFICATION


def a_principal(
    *habilitations: Habilitation, manager: ManagerRole | None = None, active: bool = True
) -> Principal:
    return Principal(
        id="p1",
        identity="0" * 64,
        kind=PrincipalKind.USER,
        version=1,
        active=active,
        attachments={"S": Attachment("S", manager, habilitations)},
    )


def a_habilitation(application: str, level: Level, service: str | None = None) -> Principal:
    return a_principal(Habilitation(application, level, service))


NOBODY = replace(a_principal(), attachments={})
READER = a_habilitation("factures_de_travaux", READS)
WRITER = a_habilitation("factures_de_travaux", CHANGES)
PAYER = a_habilitation("factures_recues", CHANGES)
OF_TRAVAUX = a_habilitation("factures_de_travaux", CHANGES, "TRAVAUX")
DESK_OF_S = a_habilitation("sollicitations", CHANGES)
HEAD = a_principal(manager=ManagerRole.PRINCIPAL)
DEPUTY = a_principal(manager=ManagerRole.SECONDAIRE)
OPERATOR = replace(NOBODY, platform_roles=frozenset({PlatformRole.OPERATOR}))
DESK = replace(NOBODY, platform_roles=frozenset({PlatformRole.DESK}))
CLOSED_ACCOUNT = a_principal(
    Habilitation("factures_de_travaux", CHANGES), manager=ManagerRole.PRINCIPAL, active=False
)
DESK_OF_TRAVAUX = a_habilitation("sollicitations", CHANGES, "TRAVAUX")
HEAD_OF_TRAVAUX = a_habilitation("organisation", CHANGES, "TRAVAUX")
AS_MOA = Choice("S", Role.MOA)
IN_TRAVAUX = Choice("S", Role.MOA, "TRAVAUX")
AS_PAYER = Choice("S", Role.SERVICE_FINANCIER)


def judge(
    need: str,
    principal: Principal | None,
    choice: Choice = AS_MOA,
    structure: KnownStructure | None = PUBLIC,
    identity: Identity = ISSUED,
) -> Requester | Denial:
    return decide(parse_need(need), identity, principal, choice, structure)


def reason(judged: Requester | Denial) -> str | None:
    return judged.reason if isinstance(judged, Denial) else None


@pytest.mark.parametrize(
    ("need", "principal", "choice", "expected"),
    [
        ("public", None, Choice(), None),
        ("public", CLOSED_ACCOUNT, Choice(), None),
        ("public", None, AS_MOA, None),
        ("public | member", None, Choice(), None),
        ("public | member", CLOSED_ACCOUNT, Choice(), None),
        ("public | member", None, AS_MOA, Reason.ACCOUNT),
        ("public | member", NOBODY, AS_MOA, Reason.NOT_ATTACHED),
        ("public | member", READER, AS_MOA, None),
        ("signed-in", None, Choice(), None),
        ("signed-in", NOBODY, AS_MOA, None),
        ("signed-in", CLOSED_ACCOUNT, Choice(), Reason.ACCOUNT),
        ("member", None, Choice(), Reason.ACCOUNT),
        ("member", NOBODY, Choice(), Reason.NOT_ATTACHED),
        ("member", NOBODY, AS_MOA, Reason.NOT_ATTACHED),
        ("member", READER, Choice(), None),
        ("member", READER, Choice("T"), Reason.NOT_ATTACHED),
        ("member", CLOSED_ACCOUNT, Choice(), Reason.ACCOUNT),
        ("pieces consultation", None, AS_MOA, Reason.ACCOUNT),
        ("pieces consultation", READER, AS_MOA, None),
        ("pieces consultation", READER, Choice("S"), Reason.CHOICE_MISSING),
        ("pieces consultation", READER, Choice(None, Role.MOA), Reason.CHOICE_MISSING),
        ("pieces consultation", READER, Choice("T", Role.MOA), Reason.NOT_ATTACHED),
        ("pieces consultation", READER, AS_PAYER, Reason.HABILITATION),
        ("pieces consultation", PAYER, AS_PAYER, None),
        ("pieces consultation", PAYER, AS_MOA, Reason.HABILITATION),
        ("pieces modification", READER, AS_MOA, Reason.HABILITATION),
        ("pieces modification", WRITER, AS_MOA, None),
        ("pieces modification", WRITER, Choice("S", Role.TITULAIRE), None),
        ("pieces modification", HEAD, AS_MOA, Reason.HABILITATION),
        ("pieces modification", OPERATOR, AS_MOA, Reason.NOT_ATTACHED),
        ("pieces modification", CLOSED_ACCOUNT, AS_MOA, Reason.ACCOUNT),
        ("pieces modification", OF_TRAVAUX, AS_MOA, Reason.HABILITATION),
        ("pieces modification", OF_TRAVAUX, Choice("S", Role.MOA, "VOIRIE"), Reason.HABILITATION),
        ("pieces modification", OF_TRAVAUX, Choice("S", Role.MOA, "TRAVAUX"), None),
        ("pieces modification", WRITER, Choice("S", Role.MOA, "VOIRIE"), None),
        # Neither tickets nor the structure itself have a service to be limited to.
        ("sollicitations consultation", DESK_OF_TRAVAUX, IN_TRAVAUX, Reason.HABILITATION),
        ("sollicitations modification", DESK_OF_TRAVAUX, IN_TRAVAUX, Reason.HABILITATION),
        ("desk", DESK_OF_TRAVAUX, replace(IN_TRAVAUX, desk=Desk.METIER), Reason.HABILITATION),
        ("organisation modification", HEAD_OF_TRAVAUX, IN_TRAVAUX, Reason.HABILITATION),
        ("sollicitations consultation", DESK_OF_S, IN_TRAVAUX, None),
        ("organisation consultation", WRITER, AS_MOA, Reason.HABILITATION),
        ("organisation consultation", a_habilitation("organisation", CHANGES), AS_MOA, None),
        (
            "organisation modification",
            a_habilitation("organisation", READS),
            AS_MOA,
            "habilitation",
        ),
        ("manager", HEAD, AS_MOA, None),
        ("manager", DEPUTY, AS_MOA, None),
        ("manager", WRITER, AS_MOA, Reason.MANAGER),
        ("manager", OPERATOR, AS_MOA, Reason.NOT_ATTACHED),
        ("main-manager", HEAD, AS_MOA, None),
        ("main-manager", DEPUTY, AS_MOA, Reason.MANAGER),
        ("main-manager", HEAD, Choice("T"), Reason.NOT_ATTACHED),
        ("main-manager", CLOSED_ACCOUNT, AS_MOA, Reason.ACCOUNT),
        ("operator", OPERATOR, Choice(), None),
        ("operator", DESK, Choice(), Reason.OPERATOR),
        ("operator", HEAD, AS_MOA, Reason.OPERATOR),
        ("operator", None, Choice(), Reason.ACCOUNT),
        ("organisation modification | operator", OPERATOR, Choice("S"), None),
        ("organisation modification | operator", HEAD, Choice("S"), Reason.HABILITATION),
        ("desk", DESK, Choice(desk=Desk.TECHNIQUE), None),
        ("desk", DESK, Choice(), Reason.CHOICE_MISSING),
        ("desk", OPERATOR, Choice(desk=Desk.TECHNIQUE), Reason.DESK),
        ("desk", DESK_OF_S, Choice("S", desk=Desk.METIER), None),
        ("desk", DESK_OF_S, Choice("T", desk=Desk.METIER), Reason.NOT_ATTACHED),
        ("desk", DESK_OF_S, Choice(desk=Desk.METIER), Reason.CHOICE_MISSING),
        ("desk", DESK, Choice("S", desk=Desk.METIER), Reason.NOT_ATTACHED),
        ("desk", WRITER, Choice("S", desk=Desk.METIER), Reason.HABILITATION),
        ("public | desk", None, Choice(), None),
        ("public | desk", None, Choice(desk=Desk.TECHNIQUE), Reason.ACCOUNT),
        ("public | desk", READER, Choice("S", desk=Desk.METIER), Reason.HABILITATION),
        ("public | desk", READER, AS_MOA, None),
    ],
)
def test_a_need_lets_in_whom_it_names_and_nobody_else(
    need: str, principal: Principal | None, choice: Choice, expected: str | None
) -> None:
    assert reason(judge(need, principal, choice)) == expected


@pytest.mark.parametrize(
    ("kinds", "structure", "expected"),
    [
        ({StructureKind.PUBLIQUE}, PUBLIC, None),
        ({StructureKind.PUBLIQUE}, PRIVATE, Reason.ISSUER_KIND),
        ({StructureKind.PUBLIQUE}, None, Reason.ISSUER_KIND),
        ({StructureKind.PRIVEE}, PUBLIC, Reason.ISSUER_KIND),
        (set(StructureKind), None, None),
        (set(StructureKind), PRIVATE, None),
    ],
)
def test_an_issuer_speaks_only_for_its_kinds_of_structures(
    kinds: set[StructureKind], structure: KnownStructure | None, expected: str | None
) -> None:
    identity = replace(ISSUED, kinds=frozenset(kinds))

    assert reason(judge("pieces consultation", READER, AS_MOA, structure, identity)) == expected


@pytest.mark.parametrize(
    ("need", "principal", "expected"),
    [
        ("pieces consultation", READER, Reason.STRUCTURE_INACTIVE),
        ("manager", HEAD, Reason.STRUCTURE_INACTIVE),
        ("public | member", READER, Reason.STRUCTURE_INACTIVE),
        ("organisation consultation | operator", OPERATOR, None),
    ],
)
def test_only_an_operator_acts_on_an_inactive_structure(
    need: str, principal: Principal, expected: str | None
) -> None:
    assert reason(judge(need, principal, AS_MOA, CLOSED)) == expected


@pytest.mark.parametrize(
    ("need", "scopes", "expected"),
    [
        ("pieces modification", {"factures_de_travaux:modification"}, None),
        ("pieces modification", {"factures_de_travaux:consultation"}, Reason.SCOPE),
        ("pieces modification", {"factures_recues:modification"}, Reason.SCOPE),
        ("pieces modification", set(), Reason.SCOPE),
        ("pieces consultation", {"factures_de_travaux:modification"}, None),
        ("organisation consultation", {"organisation:consultation"}, Reason.HABILITATION),
        ("manager", {"organisation:modification"}, Reason.MANAGER),
        ("operator", {"organisation:modification"}, Reason.OPERATOR),
        ("member", set(), None),
    ],
)
def test_a_machine_needs_the_habilitation_and_the_scope(
    need: str, scopes: set[str], expected: str | None
) -> None:
    machine = replace(
        a_principal(
            Habilitation("factures_de_travaux", CHANGES),
            Habilitation("factures_recues", CHANGES),
            manager=ManagerRole.PRINCIPAL,
        ),
        kind=PrincipalKind.MACHINE,
        platform_roles=frozenset(PlatformRole),
    )
    identity = replace(SCOPED, scopes=frozenset(scopes))

    assert reason(judge(need, machine, AS_MOA, PUBLIC, identity)) == expected


def test_what_a_machine_may_is_bounded_by_its_scopes_on_a_route_for_all_who_sign_in() -> None:
    machine = replace(
        a_principal(Habilitation("organisation", CHANGES)), kind=PrincipalKind.MACHINE
    )

    def may(scopes: set[str]) -> bool:
        identity = replace(SCOPED, scopes=frozenset(scopes))
        judged = judge("signed-in", machine, AS_MOA, PUBLIC, identity)
        return isinstance(judged, Requester) and judged.may("organisation", CHANGES)

    assert may({"organisation:modification"})
    assert not may({"organisation:consultation", "factures_recues:modification"})


def test_a_machine_is_no_desk_of_the_platform() -> None:
    machine = replace(DESK, kind=PrincipalKind.MACHINE)

    judged = judge("desk", machine, Choice(desk=Desk.TECHNIQUE), PUBLIC, SCOPED)

    assert reason(judged) == Reason.DESK


def test_a_denial_names_the_application_the_level_and_the_structure() -> None:
    judged = judge("pieces modification", READER, AS_MOA)

    assert isinstance(judged, Denial)
    assert (judged.application, judged.level, judged.structure) == (
        "factures_de_travaux",
        CHANGES,
        "S",
    )


def test_the_requester_acts_for_the_structure_and_the_service_that_it_chose() -> None:
    judged = judge("pieces modification", OF_TRAVAUX, Choice("S", Role.MOA, "TRAVAUX"))

    assert isinstance(judged, Requester)
    assert judged.actor == Actor(Role.MOA, "S", "TRAVAUX")
    assert (judged.user, judged.name, judged.email) == ("p1", "Anne Exemple", "a@mairie.example")


def test_a_requester_who_chose_no_structure_is_no_actor() -> None:
    judged = judge("member", READER, Choice())

    assert isinstance(judged, Requester)
    with pytest.raises(NoActorError):
        _ = judged.actor


def test_a_structure_to_which_a_signed_in_person_is_not_attached_is_not_theirs() -> None:
    stranger = judge("signed-in", NOBODY, AS_MOA)
    manager = judge("signed-in", HEAD, AS_MOA)

    assert isinstance(stranger, Requester)
    assert isinstance(manager, Requester)
    assert (stranger.structure, stranger.manager) == (None, None)
    assert (manager.structure, manager.manager) == ("S", ManagerRole.PRINCIPAL)


def test_a_token_is_not_shown() -> None:
    judged = decide(parse_need("public"), ISSUED, None, Choice(), None, token="a.b.c")  # noqa: S106 - of nobody

    assert isinstance(judged, Requester)
    assert judged.token == "a.b.c"  # noqa: S105 - of nobody
    assert "a.b.c" not in repr(judged)


@pytest.mark.parametrize(
    ("need", "principal", "choice", "reason"),
    [
        ("operator", OPERATOR, Choice(), Reason.OPERATOR),
        ("desk", DESK, Choice(desk=Desk.TECHNIQUE), Reason.DESK),
    ],
)
def test_an_issuer_of_others_signs_in_no_operator(
    need: str, principal: Principal, choice: Choice, reason: Reason
) -> None:
    elsewhere = replace(ISSUED, may_operate=False)

    judged = decide(parse_need(need), elsewhere, principal, choice, None)

    assert isinstance(judged, Denial)
    assert judged.reason is reason
    let_in = decide(parse_need("signed-in"), elsewhere, principal, Choice(), None)
    assert isinstance(let_in, Requester)
    assert let_in.platform_roles == frozenset()
