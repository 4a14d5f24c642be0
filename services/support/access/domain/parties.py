"""Parties of a request: the issuer who asks, and the recipient whose business desk is asked."""

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date

from services.support.access.domain import rules
from services.support.access.domain.texts import judge_email, judge_line
from shared.circuit.parties import Directory, Structure
from shared.vocabulary.roles import Role
from shared.vocabulary.rules import Violation
from shared.vocabulary.structures import StructureStatus, has_structure_form


@dataclass(frozen=True, slots=True)
class Issuer:
    """Issuer of a ticket: a structure in a role, or without an account an e-mail address."""

    structure: str | None = None
    role: Role | None = None
    service: str | None = None
    email: str | None = None

    @property
    def name(self) -> str:
        """Name of the issuer in a journal."""
        return self.structure or self.email or ""


@dataclass(frozen=True, slots=True)
class Recipient:
    """Recipient of a ticket: the structure whose business desk is asked."""

    structure: str
    service: str | None = None


def normalise_mailbox(email: str) -> str:
    """Normalise an e-mail address to its mailbox: case, letter width and `+` suffix removed."""
    local, _, domain = unicodedata.normalize("NFKC", email).casefold().rpartition("@")
    return f"{local.partition('+')[0]}@{domain}"


def judge_issuer(issuer: Issuer, directory: Directory) -> tuple[Violation, ...]:
    """List the rules that the issuer breaks.

    A structure that the directory lacks may ask, for example how to be added to it.
    """
    structure = directory.get(issuer.structure or "")
    return (
        *(judge_email("email", issuer.email) if issuer.email is not None else ()),
        *_judge_service("service", issuer.service, structure),
    )


def judge_recipient(recipient: Recipient, directory: Directory, today: date) -> Iterator[Violation]:
    """List the rules that the recipient breaks: an active structure, a service active today."""
    yield from judge_recipient_structure(recipient.structure, directory)
    structure = directory.get(recipient.structure)
    yield from _judge_service("recipient.service", recipient.service, structure, today)


def judge_recipient_structure(
    recipient: str, directory: Directory, field: str = "recipient.structure"
) -> Iterator[Violation]:
    """List the rules that the structure of a recipient breaks: it must be active."""
    faults = [*judge_line(field, "La structure", recipient)]
    yield from faults
    structure = directory.get(recipient)
    if structure is None:
        if not faults:
            unknown = rules.RECIPIENT_UNKNOWN.build_violation(field, structure=recipient)
            yield replace(unknown, can_be_early=has_structure_form(recipient))
    elif structure.status is not StructureStatus.ACTIF:
        yield rules.RECIPIENT_INACTIVE.build_violation(field, structure=structure.id)


def _judge_service(
    field: str, code: str | None, structure: Structure | None, today: date | None = None
) -> Iterator[Violation]:
    """List the rules that a service code breaks; that of a recipient must be active `today`."""
    faults = [*judge_line(field, "Le code service", code or "")]
    yield from faults
    if not code or faults or structure is None:
        return
    service = structure.services.get(code)
    if service is None:
        yield rules.SERVICE_UNKNOWN.build_violation(field, service=code, structure=structure.id)
    elif today and not service.is_active_on(today):
        yield rules.SERVICE_INACTIVE.build_violation(field, service=code, structure=structure.id)


@dataclass(frozen=True, slots=True)
class Asker:
    """Asker with an account: a structure, in one of its roles."""

    structure: str
    role: Role
