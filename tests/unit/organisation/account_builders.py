"""Accounts for tests: users of one structure."""

from datetime import UTC, datetime

from services.organisation.accounts.domain.accounts import (
    Account,
    Attachment,
    AttachmentStatus,
    Roster,
)
from shared.rights.identity import compute_identity
from shared.rights.model import Habilitation, Level, ManagerRole, PrincipalKind

NOW = datetime(2026, 11, 30, 16, tzinfo=UTC)
SIRET = "35600000000048"
READ, WRITE = Level.CONSULTATION, Level.MODIFICATION
MAIN, SECOND = ManagerRole.PRINCIPAL, ManagerRole.SECONDAIRE
APPLICATIONS = (
    "factures_de_travaux",
    "factures_emises",
    "factures_recues",
    "organisation",
    "sollicitations",
)
EVERYTHING = tuple(Habilitation(each, WRITE) for each in APPLICATIONS)
READING = tuple(Habilitation(each, READ) for each in APPLICATIONS)


def a_user(name: str, *attachments: Attachment) -> Account:
    """Build an account named by one word."""
    email = f"{name}@vaubrun.fr"
    identity = compute_identity(PrincipalKind.USER, email)
    return Account(name, email, identity, name.title(), NOW, attachments=attachments)


def attached(
    manager: ManagerRole | None = None,
    habilitations: tuple[Habilitation, ...] | None = None,
    structure: str = SIRET,
) -> Attachment:
    """Build an attachment that holds."""
    given = EVERYTHING if manager else READING
    return Attachment(
        structure,
        AttachmentStatus.VALIDEE,
        NOW,
        manager=manager,
        habilitations=given if habilitations is None else habilitations,
    )


def waiting(structure: str = SIRET) -> Attachment:
    """Build an attachment that waits for a decision."""
    return Attachment(structure, AttachmentStatus.EN_COURS_DE_VALIDATION, NOW)


def a_roster(*main_managers: str, structure: str = SIRET) -> Roster:
    """Build the roster of a structure with these main managers."""
    return Roster(structure, 1, frozenset(main_managers))
