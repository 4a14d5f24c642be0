"""Changes of a ticket: creation, update, submission, and the effect of each act."""

from collections.abc import Collection, Sequence
from dataclasses import fields, replace
from datetime import datetime

from services.support.access.domain.parties import Issuer
from services.support.desks.domain.catalogue import Catalogue
from services.support.suggestions.domain.suggestions import Suggestions
from services.support.tickets.domain.tickets import Action, Content, JournalEntry, Ticket
from shared.vocabulary.attachments import StoredFile
from shared.vocabulary.tickets import Side, TicketAct, TicketStatus


def create_draft(ticket_id: str, issuer: Issuer, content: Content, at: datetime) -> Ticket:
    """Create a draft."""
    action = Action(TicketAct.ENREGISTRER, Side.DEMANDEUR, issuer.name)
    return Ticket(
        id=ticket_id,
        version=1,
        issuer=issuer,
        content=content,
        status=TicketStatus.BROUILLON,
        created_at=at,
        changed_at=at,
        journal=(_build_entry(action, TicketStatus.BROUILLON, at),),
    )


def update_draft(
    draft: Ticket, at: datetime, *, content: Content, issuer: Issuer, given: Collection[str]
) -> Ticket:
    """Update the fields of a draft that are named in `given`; the others stay as they are.

    Its journal keeps one line, as nobody else has seen earlier versions.
    """
    kept = {
        each.name: getattr(draft.content, each.name)
        for each in fields(Content)
        if each.name not in given
    }
    service = issuer.service if "service" in given else draft.issuer.service
    return replace(
        draft,
        version=draft.version + 1,
        content=replace(content, **kept),
        issuer=replace(issuer, service=service),
        changed_at=at,
    )


def replace_attachments(draft: Ticket, files: Sequence[StoredFile], at: datetime) -> Ticket:
    """Replace the attachments of a draft."""
    return replace(draft, version=draft.version + 1, attachments=tuple(files), changed_at=at)


def submit_draft(
    draft: Ticket,
    number: str,
    catalogue: Catalogue,
    suggestions: Suggestions,
    at: datetime,
    user: str | None = None,
) -> Ticket:
    """Submit a draft that breaks no rule: its sub-category alone decides the desk."""
    chosen = catalogue.by_code[draft.content.sub_category or ""]
    recipient = draft.content.recipient if chosen.desk.is_of_a_structure else None
    action = Action(
        TicketAct.DEPOSER,
        Side.DEMANDEUR,
        draft.issuer.name,
        desk=chosen.desk,
        recipient=recipient,
        user=user,
    )
    numbered = replace(
        draft,
        number=number,
        category=chosen.category,
        suggested=suggestions.best,
        contradicts=suggestions.contradicts(chosen.code),
        submitted_at=at,
    )
    return apply_action(numbered, action, TicketStatus.DEPOSE, at)


def apply_action(
    ticket: Ticket, action: Action, target: TicketStatus | None, at: datetime
) -> Ticket:
    """Apply an action that the transition table allows, and add it to the journal."""
    status = target or ticket.status
    changed = replace(
        ticket,
        version=ticket.version + 1,
        status=status,
        changed_at=at,
        priority=action.priority or ticket.priority,
        assignee=action.assignee or ticket.assignee,
        satisfaction=action.satisfaction or ticket.satisfaction,
        journal=(*ticket.journal, _build_entry(action, status, at)),
    )
    if action.desk is None:
        return changed
    # A transfer removes the assignee.
    return replace(changed, desk=action.desk, recipient=action.recipient, assignee=None)


def _build_entry(action: Action, status: TicketStatus, at: datetime) -> JournalEntry:
    done = {each.name: getattr(action, each.name) for each in fields(action)}
    return JournalEntry(**{**done, "text": action.text or None}, status=status, at=at)
