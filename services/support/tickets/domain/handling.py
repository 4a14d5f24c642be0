"""What a ticket becomes by what is done to it, and the rules of each act."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields, replace
from datetime import datetime

from services.support.desks.domain import rules
from services.support.desks.domain.catalogue import Catalogue
from services.support.desks.domain.parties import Issuer, judge_recipient
from services.support.desks.domain.texts import TITLE_LIMIT, judge_line, judge_text
from services.support.suggestions.domain.guesses import Suggestions
from services.support.tickets.domain.life import Transition, allowed, transition
from services.support.tickets.domain.tickets import (
    ACT_LABELS,
    STATUS_LABELS,
    Content,
    Doing,
    Entry,
    StoredFile,
    Ticket,
)
from shared.circuit.parties import Directory
from shared.vocabulary.attachments import Attached, AttachmentRules, judge
from shared.vocabulary.rules import Violation
from shared.vocabulary.sizes import MEGABYTE
from shared.vocabulary.texts import composed, says_something
from shared.vocabulary.tickets import Side, TicketAct, TicketStatus


@dataclass(frozen=True, slots=True)
class Room:
    """How full a journal may be for an act to be added."""

    entries: int
    size_bytes: int
    """Of the texts, in UTF-8."""


# A ticket is one document of the store, of 16 MiB at most, and each answer shows it whole. A desk
# has room left when who asks has filled theirs.
ROOMS = {
    Side.DEMANDEUR: Room(500, 2 * MEGABYTE),
    Side.BUREAU: Room(700, 3 * MEGABYTE),
}
RATINGS = range(1, 6)
_SIDES = {
    Side.DEMANDEUR: "son auteur",
    Side.BUREAU: "un bureau",
    Side.PLATEFORME: "la plateforme",
}

ATTACHMENT_RULES = AttachmentRules(
    name_too_long=rules.ATTACHMENT_NAME_TOO_LONG,
    name_refused=rules.ATTACHMENT_NAME_REFUSED,
    type_refused=rules.ATTACHMENT_TYPE_REFUSED,
    content_differs=rules.ATTACHMENT_CONTENT_DIFFERS,
    empty=rules.ATTACHMENT_EMPTY,
    too_large=rules.ATTACHMENT_TOO_LARGE,
    too_many=rules.TOO_MANY_ATTACHMENTS,
    total_too_large=rules.TOTAL_TOO_LARGE,
    # Over the whole life of a ticket.
    count_limit=30,
    total_limit=50 * MEGABYTE,
)


def judge_attachments(
    attached: Sequence[Attached], present: Sequence[StoredFile] = ()
) -> tuple[Violation, ...]:
    """Name every rule that attachments break beside those that are there already."""
    return judge(
        ATTACHMENT_RULES,
        attached,
        others=len(present),
        other_bytes=sum(each.size_bytes for each in present),
    )


def judge_draft(
    content: Content, catalogue: Catalogue, directory: Directory
) -> tuple[Violation, ...]:
    """Name every rule that a draft breaks, however little it holds."""
    return tuple(_judge_content(content, catalogue, directory, is_whole=False))


def judge_submission(
    content: Content, catalogue: Catalogue, directory: Directory
) -> tuple[Violation, ...]:
    """Name every rule that stands between a draft and its desk."""
    return tuple(_judge_content(content, catalogue, directory, is_whole=True))


def _judge_content(
    content: Content, catalogue: Catalogue, directory: Directory, *, is_whole: bool
) -> Iterator[Violation]:
    chosen = catalogue.by_code.get(content.sub_category or "")
    if content.sub_category and not chosen:
        shown = content.sub_category[:40]
        yield rules.SUB_CATEGORY_UNKNOWN.broken("sub_category", value=shown)
    elif is_whole and not chosen:
        yield rules.SUB_CATEGORY_MISSING.broken("sub_category")
    if is_whole and not says_something(content.title):
        yield rules.TEXT_MISSING.broken("title", label="Le titre")
    yield from judge_line("title", "Le titre", content.title, TITLE_LIMIT)
    if is_whole and not says_something(content.description):
        yield rules.TEXT_MISSING.broken("description", label="La description")
    yield from judge_text("description", "La description", content.description, is_required=False)
    yield from judge_line("dossier", "Le dossier", content.dossier or "")
    yield from judge_line("piece", "Le numéro de pièce", content.piece or "")
    if content.recipient and content.recipient.structure:
        yield from judge_recipient(content.recipient, directory)
    elif is_whole and chosen and chosen.desk.is_of_a_structure:
        yield rules.RECIPIENT_MISSING.broken("recipient.structure")


def begun(ticket_id: str, issuer: Issuer, content: Content, at: datetime) -> Ticket:
    """Begin a ticket as a draft."""
    doing = Doing(TicketAct.ENREGISTRER, Side.DEMANDEUR, issuer.name)
    return Ticket(
        id=ticket_id,
        version=1,
        issuer=issuer,
        content=content,
        status=TicketStatus.BROUILLON,
        created_at=at,
        changed_at=at,
        journal=(_entry(doing, TicketStatus.BROUILLON, at),),
    )


def saved(draft: Ticket, at: datetime, *, content: Content, issuer: Issuer) -> Ticket:
    """Write a draft anew. Its journal keeps one line of it: nobody else has seen what it was."""
    return replace(draft, version=draft.version + 1, content=content, issuer=issuer, changed_at=at)


def attached(draft: Ticket, files: Sequence[StoredFile], at: datetime) -> Ticket:
    """Give a draft these attachments instead of those it has."""
    return replace(draft, version=draft.version + 1, attachments=tuple(files), changed_at=at)


def submitted(
    draft: Ticket, number: str, catalogue: Catalogue, suggestions: Suggestions, at: datetime
) -> Ticket:
    """Submit a draft that breaks no rule: its sub-category decides the desk, and nothing else."""
    chosen = catalogue.by_code[draft.content.sub_category or ""]
    recipient = draft.content.recipient if chosen.desk.is_of_a_structure else None
    doing = Doing(
        TicketAct.DEPOSER,
        Side.DEMANDEUR,
        draft.issuer.name,
        desk=chosen.desk,
        recipient=recipient,
    )
    numbered = replace(
        draft,
        number=number,
        category=chosen.category,
        suggested=suggestions.best,
        contradicts=suggestions.contradicts(chosen.code),
        submitted_at=at,
    )
    return carried_out(numbered, doing, TicketStatus.DEPOSE, at)


def possible(ticket: Ticket, act: TicketAct, side: Side) -> Transition | Violation:
    """Find the row of the table by which an act may be done, or say why there is none."""
    row = transition(act, side, ticket.status)
    if row is None:
        listed = ", ".join(dict.fromkeys(allowed(side, ticket.status))) or "aucun"
        return rules.ACT_NOT_POSSIBLE.broken(
            "act",
            status=STATUS_LABELS[ticket.status],
            side=_SIDES[side],
            act=ACT_LABELS[act],
            allowed=listed,
        )
    if not row.is_kept_room and ticket.status is not TicketStatus.BROUILLON:
        room = ROOMS[side]
        if len(ticket.journal) >= room.entries or ticket.told_bytes >= room.size_bytes:
            return rules.TOO_LONG_A_STORY.broken(
                "text", entries=room.entries, megabytes=room.size_bytes // MEGABYTE
            )
    if act is TicketAct.EVALUER and ticket.satisfaction is not None:
        return rules.ALREADY_RATED.broken("satisfaction")
    return row


def judge_doing(
    ticket: Ticket, doing: Doing, row: Transition, directory: Directory
) -> tuple[Violation, ...]:
    """Name every rule that an act breaks by what it comes with."""
    found = [*judge_text("text", "Le message", doing.text or "", is_required=row.says)]
    if doing.act is TicketAct.PRENDRE_EN_CHARGE and not doing.assignee:
        found.append(rules.TEXT_MISSING.broken("assignee", label="Le nom de l'agent"))
    found += judge_line("assignee", "L'agent", doing.assignee or "")
    if doing.act is TicketAct.EVALUER and doing.satisfaction not in RATINGS:
        found.append(
            rules.RATING_REFUSED.broken(
                "satisfaction", value=doing.satisfaction, least=RATINGS[0], most=RATINGS[-1]
            )
        )
    if doing.act is TicketAct.TRANSFERER:
        found += _judge_transfer(ticket, doing, directory)
    return tuple(found)


def judge_assignment(ticket: Ticket, doing: Doing) -> Violation | None:
    """Refuse to take a ticket from somebody who is not named: it may just have been taken."""
    # An older release kept names as macOS writes them.
    holder = composed(ticket.assignee) if ticket.assignee else None
    if doing.act is not TicketAct.PRENDRE_EN_CHARGE or holder in {None, doing.who}:
        return None
    if holder == doing.instead_of:
        return None
    return rules.ALREADY_TAKEN.broken("assignee", holder=holder)


def _judge_transfer(ticket: Ticket, doing: Doing, directory: Directory) -> Iterator[Violation]:
    if doing.desk and doing.desk.is_of_a_structure:
        if doing.recipient is None or not doing.recipient.structure:
            yield rules.RECIPIENT_MISSING.broken("recipient.structure")
            return
        yield from judge_recipient(doing.recipient, directory)
    if (doing.desk, doing.recipient) == (ticket.desk, ticket.recipient):
        yield rules.ALREADY_THERE.broken("desk")


def carried_out(ticket: Ticket, doing: Doing, target: TicketStatus | None, at: datetime) -> Ticket:
    """Do what a row allows: the ticket is changed, and its journal says so."""
    status = target or ticket.status
    changed = replace(
        ticket,
        version=ticket.version + 1,
        status=status,
        changed_at=at,
        priority=doing.priority or ticket.priority,
        assignee=doing.assignee or ticket.assignee,
        satisfaction=doing.satisfaction or ticket.satisfaction,
        journal=(*ticket.journal, _entry(doing, status, at)),
    )
    if doing.desk is None:
        return changed
    # Who had it before has it no more.
    return replace(changed, desk=doing.desk, recipient=doing.recipient, assignee=None)


def _entry(doing: Doing, status: TicketStatus, at: datetime) -> Entry:
    done = {each.name: getattr(doing, each.name) for each in fields(doing)}
    return Entry(**{**done, "text": doing.text or None}, status=status, at=at)
