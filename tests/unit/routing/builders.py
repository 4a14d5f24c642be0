"""Dossiers, deposits and directories for the tests of routing's domain."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal

from services.routing.domain.commands import Command, Complete, Deposit, Treat
from services.routing.domain.decide import Decision, decide
from services.routing.domain.dossier import Dossier, evolve
from services.routing.domain.events import Event
from shared.circuit.loader import CURRENT, load_current
from shared.circuit.parties import Parties, Party, Service, Structure
from shared.circuit.statuses import Act
from shared.vocabulary.actors import Actor
from shared.vocabulary.amounts import Amounts
from shared.vocabulary.roles import Role
from shared.vocabulary.structures import MoaParameter, StructureKind, StructureStatus

NOW = datetime(2026, 11, 24, 9, 30, tzinfo=UTC)
DEPOSITED_AT = datetime(2026, 11, 24, 9, 25, tzinfo=UTC)
COMPLETED_AT = datetime(2026, 11, 24, 9, 28, tzinfo=UTC)
AMOUNTS = Amounts(Decimal("100.00"), Decimal("20.00"), Decimal("120.00"), Decimal("120.00"))

NAMES = {
    Role.TITULAIRE: "titulaire",
    Role.MOE: "moe",
    Role.MOA: "moa",
    Role.SERVICE_FINANCIER: "payeur",
    Role.COTRAITANT: "cotraitant",
    Role.SOUS_TRAITANT: "sous-traitant",
}
PARTIES = Parties(
    titulaire=Party("titulaire"),
    moe=Party("moe"),
    moa=Party("moa"),
    service_financier=Party("payeur"),
    cotraitant=Party("cotraitant"),
    sous_traitant=Party("sous-traitant"),
)
SANS_MOA = replace(PARTIES, moa=None)


def a_structure(name: str, moa: MoaParameter = MoaParameter.AVEC, **changes: object) -> Structure:
    structure = Structure(
        name,
        StructureKind.PUBLIQUE,
        StructureStatus.ACTIF,
        moa,
        version=1,
        services={"TRVX": Service(), "CLOS": Service(active=False)},
    )
    return replace(structure, **changes)  # type: ignore[arg-type]


def a_directory(*changed: Structure) -> dict[str, Structure]:
    """Structures between which everything is possible, some of them changed."""
    structures = [
        a_structure("titulaire", MoaParameter.SANS, kind=StructureKind.PRIVEE),
        a_structure("cotraitant", MoaParameter.SANS, kind=StructureKind.PRIVEE),
        a_structure("sous-traitant", MoaParameter.SANS, kind=StructureKind.PRIVEE),
        a_structure("moe", MoaParameter.SANS, kind=StructureKind.PRIVEE),
        a_structure("moa"),
        a_structure("payeur", MoaParameter.SANS),
    ]
    return {structure.id: structure for structure in (*structures, *changed)}


DIRECTORY = a_directory()


def an_actor(role: Role) -> Actor:
    return Actor(role, NAMES[role])


def a_deposit(cadre: str, follows: str | None = None, **changes: object) -> Deposit:
    """A piece named after its cadre, deposited by whoever deposits that cadre."""
    row = load_current().find_row(cadre, moa=True) or load_current().find_row(cadre, moa=False)
    deposit = Deposit(
        piece_id=cadre,
        dossier_id="dossier",
        cadre=cadre,
        number=f"N-{cadre}",
        issued_on=date(2026, 11, 23),
        currency="EUR",
        amounts=AMOUNTS,
        depositor=an_actor(row.depositor if row else Role.TITULAIRE),
        parties=PARTIES,
        follows=follows,
        engagement=None,
        file_sha256="f" * 64,
        file_size_bytes=1000,
        certificate_sha256="c" * 64,
        table_version=CURRENT,
        deposited_at=DEPOSITED_AT,
    )
    return replace(deposit, **changes)  # type: ignore[arg-type]


def a_treatment(piece_id: str, act: Act, role: Role, **changes: object) -> Treat:
    """An act with an explanation that suits every act."""
    treat = Treat(piece_id, act, an_actor(role), motive="MAUVAISE_MOA", comment="Voir ci-joint.")
    return replace(treat, **changes)  # type: ignore[arg-type]


def a_completion(piece_id: str, role: Role) -> Complete:
    return Complete(piece_id, an_actor(role), ("a" * 64,), "Voici.", COMPLETED_AT)


def fold(dossier: Dossier | None, events: Iterable[Event]) -> Dossier | None:
    for event in events:
        dossier = evolve(dossier, event)
    return dossier


def after(
    *commands: Command, directory: dict[str, Structure] = DIRECTORY, dossier: Dossier | None = None
) -> Dossier:
    """The dossier that a series of commands makes, each of which must be accepted."""
    for command in commands:
        decision = decide(dossier, command, directory, NOW)
        assert decision.violations == ()
        dossier = fold(dossier, decision.events)
    assert dossier is not None
    return dossier


def codes(decision: Decision) -> list[str]:
    return [violation.code for violation in decision.violations]


A4 = a_deposit("A4")
A15 = a_deposit("A15", "A4")
A19 = a_deposit("A19", "A15")
A7 = a_deposit("A7")
A17 = a_deposit("A17", "A7")
A20 = a_deposit("A20", "A17")
A8 = a_deposit("A8", "A20")
