"""Judgement of a deposit: the rules that refuse it, or the draft of the piece."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date

from services.deposit.domain import rules
from services.deposit.domain.attachments import judge_attachments
from services.deposit.domain.dossier_parties import (
    NamedParties,
    name_next_parties,
    name_opening_parties,
)
from services.deposit.domain.fields import merge, truncate
from services.deposit.domain.invoice import LABELS, MISSING, judge_invoice
from services.deposit.domain.mandates import (
    find_default_structures,
    find_mandant,
    find_mandate,
    judge_delegation,
)
from services.deposit.domain.next_pieces import FollowedPiece, judge_next
from services.deposit.domain.openers import judge_opener
from services.deposit.domain.piece import Draft, JudgedBy, Recipient
from services.deposit.domain.proposal import Proposal
from services.deposit.domain.settlements import SettledDossier, judge_settlement
from services.deposit.domain.sheets import judge_sheet
from shared.circuit.document_types import find_document_type, list_admitted_codes
from shared.circuit.fields import judge_showable
from shared.circuit.mandates import Mandate, needs_mandate
from shared.circuit.parties import Directory, Parties
from shared.circuit.sheets import Sheet
from shared.circuit.table import Circuit, Row, find_application
from shared.vocabulary.amounts import find_changes
from shared.vocabulary.codes import CREDIT_NOTE, INVOICE, Syntax, is_credit_note
from shared.vocabulary.levels import LEVEL
from shared.vocabulary.roles import Role
from shared.vocabulary.rules import Violation
from shared.vocabulary.texts import quote_line

_ENGAGEMENT_LIMIT = 50
_MARCHE_LIMIT = 100
_AMOUNTS = frozenset({"ht", "tva", "ttc", "due"})
_PARTIES = frozenset(role.value for role in Role)


@dataclass(frozen=True, slots=True)
class World:
    """Data that a deposit is judged by, beside the deposit itself.

    `following` is None for an opener; `misled` says why the followed piece was not found.
    """

    circuit: Circuit
    directory: Directory
    today: date
    max_number_length: int
    is_number_spent: bool = False
    following: FollowedPiece | None = None
    misled: tuple[Violation, ...] = ()
    awaited_number: str | None = None
    """Number of a piece of another dossier that awaits the same deposit of this depositor."""
    require_moa: bool = True
    level: int = LEVEL
    """Write level: acts above it are refused."""
    mandates: tuple[Mandate, ...] = ()
    """Mandates that the mandant of the deposit has given."""
    settled: Mapping[str, SettledDossier] = field(default_factory=dict)
    """Dossiers that the deposit settles, by id, but for those that are not known."""
    sheet: Sheet | None = None
    """Sheet of the marché of an opener, in use."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """Result of a judgement: broken rules, or a draft."""

    violations: tuple[Violation, ...] = ()
    draft: Draft | None = None


def name_parties(proposal: Proposal, world: World) -> NamedParties:
    """Name the parties of a deposit."""
    following = world.following
    if following:
        parties, correctable = following.parties, following.find_correctable_roles()
        return name_next_parties(parties, proposal.read, proposal.metadata, correctable)
    fallback = find_default_structures(proposal, world.circuit, world.mandates, world.today)
    return name_opening_parties(
        proposal.role, proposal.structure, proposal.read, proposal.metadata, fallback
    )


def judge(proposal: Proposal, world: World) -> Verdict:
    """Judge a deposit by every rule."""
    naming = name_parties(proposal, world)
    broken = (
        *proposal.unreadable,
        *_judge_fields(proposal, world),
        *_judge_texts(proposal, naming.parties),
        *naming.broken,
        *world.misled,
        *_judge_place(proposal, world, naming.parties),
        *_judge_own_service(proposal, naming.parties),
        *judge_attachments(proposal.attachments, proposal.file_bytes),
    )
    if broken:
        return Verdict(tuple(dict.fromkeys(_rename_field(violation) for violation in broken)))
    return Verdict(draft=_build_draft(proposal, world, naming.parties))


def find_recipient(row: Row, parties: Parties) -> Recipient:
    """Find the first recipient of a piece: its validator, when its row has one."""
    role = row.first_recipient
    party = parties[role]
    return Recipient(role, party.structure, party.service, find_application(role))


def _judge_fields(proposal: Proposal, world: World) -> Iterator[Violation]:
    fields, metadata = proposal.fields, proposal.metadata
    if not proposal.unreadable:
        yield from judge_invoice(
            fields, today=world.today, max_number_length=world.max_number_length
        )
        if fields.cadre is None and "cadre" not in fields.list_unclear():
            yield rules.CADRE_MISSING.build_violation("cadre")
    yield from merge(proposal.read, metadata.fields)[1]
    yield from _judge_type(proposal, world)
    if world.is_number_spent:
        yield rules.NUMBER_SPENT.build_violation(
            "number", structure=proposal.structure, number=fields.number
        )


def _judge_own_service(proposal: Proposal, parties: Parties) -> Iterator[Violation]:
    """Check that a depositor whose habilitation is limited to a service deposits for it."""
    party = parties.of(proposal.role)
    if proposal.service is None or (party and party.service == proposal.service):
        return
    field = f"parties.{proposal.role.value}.service"
    yield rules.SERVICE_NOT_OWN.build_violation(field, service=proposal.service)


def _judge_texts(proposal: Proposal, parties: Parties) -> Iterator[Violation]:
    """Check the length of free texts, and that they hold no invisible sign."""
    fields = proposal.fields
    for name, label, limit, text in (
        ("engagement", "Le numéro d'engagement", _ENGAGEMENT_LIMIT, fields.engagement or ""),
        ("marche", "Le numéro de marché", _MARCHE_LIMIT, fields.marche or ""),
    ):
        if len(text) > limit:
            yield rules.TEXT_TOO_LONG.build_violation(
                name, label=label, length=len(text), limit=limit
            )
        yield from judge_showable(name, label, text)
    yield from judge_showable("comment", "Le commentaire", proposal.metadata.comment, lines=True)
    for role, party in parties.list_named():
        yield from judge_showable(f"{role.value}.service", "Le code service", party.service)


def _judge_type(proposal: Proposal, world: World) -> Iterator[Violation]:
    code, read = _find_type_code(proposal, world), proposal.read
    if read.type_code is None and read.syntax is not Syntax.PDF:
        if "type_code" not in read.list_unclear():
            yield MISSING.build_violation("type_code", label=LABELS["type_code"])
    elif read.is_credit_note is not None and read.is_credit_note is not is_credit_note(code):
        root = "CreditNote" if read.is_credit_note else "Invoice"
        yield rules.TYPE_CONTRADICTS_ROOT.build_violation(
            "type_code", value=quote_line(code), root=root
        )
    yield from _judge_admission(code)
    if is_credit_note(code) and proposal.metadata.mode_paiement:
        yield rules.CREDIT_NOTE_PAYMENT.build_violation("mode_paiement")


def _judge_admission(code: str) -> Iterator[Violation]:
    """Check that a type of document is admitted; one that is known and not admitted is named."""
    known = find_document_type(code)
    if known is None:
        *others, last = [CREDIT_NOTE] if is_credit_note(code) else list_admitted_codes()
        yield rules.TYPE_CODE_REFUSED.build_violation(
            "type_code",
            type=f"« {quote_line(code)} »",
            reason="",
            allowed=f"{', '.join(others)} ou {last}" if others else last,
        )
    elif not known.is_admitted:
        yield rules.TYPE_CODE_REFUSED.build_violation(
            "type_code",
            type=f"« {code} », {known.label},",
            reason=f" : {known.reason}",
            allowed=known.instead,
        )


def _find_type_code(proposal: Proposal, world: World) -> str:
    """Return the code of the type of document: the one that is stated, or a default.

    A plain PDF without a type has the type of the piece that it follows, as a piece that restates
    an avoir is one as well. A plain PDF that opens a dossier is an invoice.
    """
    following = world.following
    return proposal.fields.type_code or (following.piece.draft.type_code if following else INVOICE)


def _judge_place(proposal: Proposal, world: World, parties: Parties) -> Iterator[Violation]:
    """Judge the place of a piece in its circuit: as an opener, or after another piece."""
    circuit, directory = world.circuit, world.directory
    if not world.misled:
        yield from _judge_mandate(proposal, world, parties)
    if world.following:
        yield from judge_next(
            circuit, proposal, world.following, parties, directory, world.today, world.level
        )
    elif not world.misled:
        yield from judge_opener(
            circuit,
            proposal,
            parties,
            directory,
            today=world.today,
            require_moa=world.require_moa,
        )
        if world.sheet:
            is_settlement = _is_settlement(proposal, world, parties)
            yield from judge_sheet(
                proposal, parties, world.sheet, world.today, is_settlement=is_settlement
            )
        cadre = proposal.fields.cadre
        if world.awaited_number and cadre and not proposal.metadata.opens:
            yield rules.AWAITED_ELSEWHERE.build_violation(
                "follows", number=world.awaited_number, cadre=cadre
            )


def _judge_mandate(proposal: Proposal, world: World, parties: Parties) -> Iterator[Violation]:
    """Judge the mandant of a deposit, and the dossiers that it settles."""
    circuit, following = world.circuit, world.following
    broken = tuple(
        judge_delegation(
            proposal, circuit, following, parties, world.mandates, world.today, world.level
        )
    )
    yield from broken
    if any(violation.code == rules.LEVEL_TOO_LOW.code for violation in broken):
        return
    row = _find_row(proposal, world, parties)
    found = find_mandate(proposal, following, parties, world.mandates, world.today)
    yield from judge_settlement(
        proposal,
        row,
        parties,
        found if isinstance(found, Mandate) else None,
        world.settled,
        _find_type_code(proposal, world),
    )


def _find_row(proposal: Proposal, world: World, parties: Parties) -> Row | None:
    cadre = proposal.fields.cadre
    return world.circuit.find_row(cadre, moa=parties.moa is not None) if cadre else None


def _is_settlement(proposal: Proposal, world: World, parties: Parties) -> bool:
    row = _find_row(proposal, world, parties)
    return row is not None and row.is_settlement


def _rename_field(violation: Violation) -> Violation:
    """Give the field of a violation its path in the metadata of a deposit."""
    head, _, _ = violation.field.partition(".")
    if head in _PARTIES:
        return replace(violation, field=f"parties.{violation.field}")
    if head in _AMOUNTS:
        return replace(violation, field=f"amounts.{violation.field}")
    return violation


def _build_draft(proposal: Proposal, world: World, parties: Parties) -> Draft:
    fields, metadata, following = proposal.fields, proposal.metadata, world.following
    amounts = fields.get_amounts()
    if not (fields.cadre and fields.number and fields.issued_on and fields.currency and amounts):
        raise ValueError("a piece that breaks no rule has every field")
    row = world.circuit[fields.cadre, parties.moa is not None]
    previous = following and following.piece
    named = [party.structure for _, party in parties.list_named()]
    sheet, mandant = world.sheet, find_mandant(proposal, following)
    mandate = find_mandate(proposal, following, parties, world.mandates, world.today)
    return Draft(
        cadre=fields.cadre,
        label=row.label,
        number=fields.number.strip(),
        issued_on=fields.issued_on,
        currency=fields.currency,
        amounts=amounts,
        type_code=_find_type_code(proposal, world),
        depositor_role=proposal.role,
        parties=parties,
        follows=previous.id if previous else None,
        engagement=fields.engagement,
        marche=fields.marche,
        type_tva=metadata.type_tva,
        mode_paiement=metadata.mode_paiement,
        comment=metadata.comment,
        table_version=world.circuit.version,
        directory={
            name: world.directory[name].version for name in named if name in world.directory
        },
        changes=find_changes(previous.draft.amounts, amounts) if previous else (),
        recipient=find_recipient(row, parties),
        read=truncate(proposal.read),
        mandant=mandant if needs_mandate(mandant, parties) else None,
        mandate=JudgedBy(mandate.id, mandate.version) if isinstance(mandate, Mandate) else None,
        settles=metadata.settles,
        lot=previous.draft.lot if previous else metadata.lot,
        sheet=JudgedBy(sheet.id, sheet.version) if sheet else None,
        # What a marché derogates from is between its actors, not between a mandant and a delegate.
        delays=dict(sheet.delays) if sheet and not row.is_settlement else {},
    )
