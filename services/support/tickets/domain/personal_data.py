"""Erasure of a person from a ticket: what it wrote without an account, and its address elsewhere.

What a desk answered stays, and what the ticket was about: when, to which desk, how it ended.
"""

from dataclasses import replace

from services.support.access.domain.personal_data import ERASED, ERASED_ADDRESS, Person
from services.support.tickets.domain.tickets import JournalEntry, Ticket
from shared.vocabulary.tickets import Side


def is_about(ticket: Ticket, person: Person) -> bool:
    """Tell whether a ticket holds data of a person."""
    content = ticket.content
    texts = (content.title, content.description, *(each.text for each in ticket.journal))
    return is_issuer(ticket, person) or person.is_in(*texts)


def is_issuer(ticket: Ticket, person: Person) -> bool:
    """Tell whether a person has sent a ticket, without an account."""
    return person.is_address(ticket.issuer.email)


def erase_person(ticket: Ticket, person: Person) -> Ticket:
    """Erase a person: its texts and files if the ticket is its own, its address in any case."""
    content = ticket.content
    if not is_issuer(ticket, person):
        redacted = replace(
            content,
            title=person.redact(content.title),
            description=person.redact(content.description),
        )
        return replace(ticket, content=redacted, journal=_redact_all(ticket, person))
    return replace(
        ticket,
        issuer=replace(ticket.issuer, email=ERASED_ADDRESS),
        content=replace(content, title=ERASED, description=ERASED),
        attachments=(),
        journal=tuple(_erase_entry(each, person) for each in ticket.journal),
    )


def _erase_entry(entry: JournalEntry, person: Person) -> JournalEntry:
    if entry.by is not Side.DEMANDEUR:
        return _redact_entry(entry, person)
    text = ERASED if entry.text else entry.text
    return replace(entry, who=ERASED_ADDRESS, text=text, attachments=())


def _redact_all(ticket: Ticket, person: Person) -> tuple[JournalEntry, ...]:
    return tuple(_redact_entry(each, person) for each in ticket.journal)


def _redact_entry(entry: JournalEntry, person: Person) -> JournalEntry:
    return replace(entry, text=person.redact(entry.text)) if entry.text else entry
