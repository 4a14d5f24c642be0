"""Validation of drafts, submissions, acts and attachments of a ticket."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date

from services.support.access.domain import rules
from services.support.access.domain.parties import judge_recipient
from services.support.access.domain.texts import TITLE_LIMIT, judge_line, judge_text
from services.support.desks.domain.catalogue import Catalogue
from services.support.desks.domain.rules import SUB_CATEGORY_UNKNOWN
from services.support.tickets.domain import rules as ticket_rules
from services.support.tickets.domain.tickets import (
    ACT_LABELS,
    STATUS_LABELS,
    Action,
    Content,
    Ticket,
)
from services.support.tickets.domain.transitions import (
    Transition,
    find_transition,
    list_acts,
)
from shared.circuit.parties import Directory
from shared.vocabulary.attachments import Attached, AttachmentRules, StoredFile, judge
from shared.vocabulary.rules import Violation
from shared.vocabulary.sizes import MEGABYTE
from shared.vocabulary.texts import has_visible_letter, normalise_nfc
from shared.vocabulary.tickets import Side, TicketAct, TicketStatus


@dataclass(frozen=True, slots=True)
class JournalLimit:
    """Size limit of the journal of a ticket; over it most acts are refused."""

    entries: int
    size_bytes: int
    """Size of the texts, in UTF-8."""


# A ticket is one document of the store, of 16 MiB at most, and each answer shows all of it. The
# limit of a desk is higher, so that it can answer an issuer who has reached theirs.
JOURNAL_LIMITS = {
    Side.DEMANDEUR: JournalLimit(500, 2 * MEGABYTE),
    Side.BUREAU: JournalLimit(700, 3 * MEGABYTE),
}


RATINGS = range(1, 6)


_SIDES = {
    Side.DEMANDEUR: "son auteur",
    Side.BUREAU: "un bureau",
    Side.PLATEFORME: "la plateforme",
}


ATTACHMENT_RULES = AttachmentRules(
    name_too_long=ticket_rules.ATTACHMENT_NAME_TOO_LONG,
    name_refused=ticket_rules.ATTACHMENT_NAME_REFUSED,
    type_refused=ticket_rules.ATTACHMENT_TYPE_REFUSED,
    content_differs=ticket_rules.ATTACHMENT_CONTENT_DIFFERS,
    empty=ticket_rules.ATTACHMENT_EMPTY,
    too_large=ticket_rules.ATTACHMENT_TOO_LARGE,
    too_many=ticket_rules.TOO_MANY_ATTACHMENTS,
    total_too_large=ticket_rules.TOTAL_TOO_LARGE,
    # Both limits hold for all attachments over the life of a ticket.
    count_limit=30,
    total_limit=50 * MEGABYTE,
)


def judge_attachments(
    attached: Sequence[Attached], present: Sequence[StoredFile] = ()
) -> tuple[Violation, ...]:
    """List the rules that new attachments break, together with the present ones."""
    return judge(
        ATTACHMENT_RULES,
        attached,
        others=len(present),
        other_bytes=sum(each.size_bytes for each in present),
    )


def judge_draft(
    content: Content, catalogue: Catalogue, directory: Directory, today: date
) -> tuple[Violation, ...]:
    """List the rules that a draft breaks; it may be incomplete."""
    return tuple(_judge_content(content, catalogue, directory, today, is_whole=False))


def judge_submission(
    content: Content, catalogue: Catalogue, directory: Directory, today: date
) -> tuple[Violation, ...]:
    """List the rules that refuse the submission of a draft."""
    return tuple(_judge_content(content, catalogue, directory, today, is_whole=True))


def _judge_content(
    content: Content, catalogue: Catalogue, directory: Directory, today: date, *, is_whole: bool
) -> Iterator[Violation]:
    chosen = catalogue.by_code.get(content.sub_category or "")
    if content.sub_category and not chosen:
        shown = content.sub_category[:40]
        yield SUB_CATEGORY_UNKNOWN.build_violation("sub_category", value=shown)
    elif is_whole and not chosen:
        yield ticket_rules.SUB_CATEGORY_MISSING.build_violation("sub_category")
    if is_whole and not has_visible_letter(content.title):
        yield rules.TEXT_MISSING.build_violation("title", label="Le titre")
    yield from judge_line("title", "Le titre", content.title, TITLE_LIMIT)
    if is_whole and not has_visible_letter(content.description):
        yield rules.TEXT_MISSING.build_violation("description", label="La description")
    yield from judge_text("description", "La description", content.description, is_required=False)
    yield from judge_line("dossier", "Le dossier", content.dossier or "")
    yield from judge_line("piece", "Le numéro de pièce", content.piece or "")
    if content.recipient and content.recipient.structure:
        yield from judge_recipient(content.recipient, directory, today)
    elif is_whole and chosen and chosen.desk.is_of_a_structure:
        yield rules.RECIPIENT_MISSING.build_violation("recipient.structure")


def find_allowed_transition(ticket: Ticket, act: TicketAct, side: Side) -> Transition | Violation:
    """Find the row of the table that allows an act, or the rule that refuses it."""
    row = find_transition(act, side, ticket.status)
    if row is None:
        return ticket_rules.ACT_NOT_POSSIBLE.build_violation(
            "act",
            status=STATUS_LABELS[ticket.status],
            side=_SIDES[side],
            act=ACT_LABELS[act],
            allowed=", ".join(list_allowed_acts(ticket, side)) or "aucun",
        )
    if not row.is_allowed_when_full and ticket.status is not TicketStatus.BROUILLON:
        room = JOURNAL_LIMITS[side]
        if len(ticket.journal) >= room.entries or ticket.journal_bytes >= room.size_bytes:
            return ticket_rules.JOURNAL_FULL.build_violation(
                "text", entries=room.entries, megabytes=room.size_bytes // MEGABYTE
            )
    if act is TicketAct.EVALUER and ticket.satisfaction is not None:
        return ticket_rules.ALREADY_RATED.build_violation("satisfaction")
    return row


def list_allowed_acts(ticket: Ticket, side: Side) -> tuple[TicketAct, ...]:
    """List the acts that a side may do on a ticket now."""
    return tuple(
        act
        for act in list_acts(side, ticket.status)
        if isinstance(find_allowed_transition(ticket, act, side), Transition)
    )


def judge_action(
    ticket: Ticket, action: Action, row: Transition, directory: Directory, today: date
) -> tuple[Violation, ...]:
    """List the rules that the contents of an action break."""
    found = [*judge_text("text", "Le message", action.text or "", is_required=row.is_text_required)]
    if action.act is TicketAct.PRENDRE_EN_CHARGE and not action.assignee:
        found.append(rules.TEXT_MISSING.build_violation("assignee", label="Le nom de l'agent"))
    found += judge_line("assignee", "L'agent", action.assignee or "")
    if action.act is TicketAct.EVALUER and action.satisfaction not in RATINGS:
        found.append(
            ticket_rules.RATING_REFUSED.build_violation(
                "satisfaction", value=action.satisfaction, least=RATINGS[0], most=RATINGS[-1]
            )
        )
    if action.act is TicketAct.TRANSFERER:
        found += _judge_transfer(ticket, action, directory, today)
    return tuple(found)


def judge_assignment(ticket: Ticket, action: Action) -> Violation | None:
    """Return the violation when an agent takes a ticket that has another assignee.

    None when the request names that assignee in `instead_of`.
    """
    # An older release stored names in NFD, as macOS writes them.
    holder = normalise_nfc(ticket.assignee) if ticket.assignee else None
    if action.act is not TicketAct.PRENDRE_EN_CHARGE or holder in {None, action.who}:
        return None
    if holder == action.instead_of:
        return None
    return ticket_rules.ALREADY_TAKEN.build_violation("assignee", holder=holder)


def _judge_transfer(
    ticket: Ticket, action: Action, directory: Directory, today: date
) -> Iterator[Violation]:
    if action.desk and action.desk.is_of_a_structure:
        if action.recipient is None or not action.recipient.structure:
            yield rules.RECIPIENT_MISSING.build_violation("recipient.structure")
            return
        yield from judge_recipient(action.recipient, directory, today)
    if (action.desk, action.recipient) == (ticket.desk, ticket.recipient):
        yield ticket_rules.ALREADY_THERE.build_violation("desk")
