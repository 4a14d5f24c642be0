"""Decision on a recycling: a piece corrected by its depositor, under the same number."""

from collections.abc import Iterator
from dataclasses import replace

from services.routing.domain import rules
from services.routing.domain.commands import Correction, Treat
from services.routing.domain.decision import Decision, World
from services.routing.domain.dossier import Dossier, Piece
from services.routing.domain.events import PieceRecycled, StatusSet
from services.routing.domain.hops import judge_mandate_of, prepare_hop_to_recipient
from shared.circuit.fields import judge_fields, judge_showable
from shared.circuit.hop import judge_hop
from shared.circuit.loader import load_version
from shared.circuit.mandates import judge_delegate_pays, needs_mandate
from shared.circuit.parties import LABELS, Parties, Party, judge_service, judge_structure
from shared.circuit.statuses import Transition
from shared.circuit.table import Row
from shared.vocabulary.dates import find_paris_day
from shared.vocabulary.roles import Role, SentApplication
from shared.vocabulary.rules import Violation
from shared.vocabulary.texts import has_visible_letter


def decide_recycling(
    dossier: Dossier, piece: Piece, found: Transition, treat: Treat, world: World
) -> Decision:
    """Decide on a recycling: the corrected piece is judged as at a deposit, then sent again."""
    circuit = load_version(dossier.table_version)
    row = circuit[piece.cadre, dossier.moa_present]
    correction = treat.correction or Correction()
    ahead = circuit.find_correctable_roles(row)
    corrected = correction.engagement if has_visible_letter(correction.engagement or "") else None
    broken = (
        *_judge_correction(correction, dossier, ahead),
        *judge_showable("correction.engagement", "Le numéro d'engagement", corrected),
    )
    if broken:
        return Decision(violations=broken)
    parties = replace(
        dossier.parties, **{role.value: party for role, party in correction.parties.items()}
    )
    after = replace(dossier, parties=parties)
    engagement = corrected or piece.deposit.engagement
    if (parties, engagement) == (dossier.parties, piece.deposit.engagement):
        return Decision(violations=(rules.NOTHING_RECYCLED.build_violation("correction"),))
    broken = tuple(
        _judge_mandate(row, dossier, after, correction, world)
        or _judge(row, parties, correction, engagement, world)
    )
    if broken:
        return Decision(violations=broken)
    deposit = replace(piece.deposit, parties=parties, engagement=engagement)
    hop = prepare_hop_to_recipient(circuit, row, deposit, found.target, after)
    return Decision(
        (
            StatusSet(
                world.now,
                piece.id,
                piece.status,
                found.target,
                treat.actor,
                found.act,
                comment=treat.comment,
            ),
            PieceRecycled(world.now, piece.id, treat.actor, parties, engagement),
            *hop.hand_over(world),
        )
    )


def _judge_correction(
    correction: Correction, dossier: Dossier, ahead: frozenset[Role]
) -> Iterator[Violation]:
    """Check that only roles ahead of the piece are corrected, and nobody is added."""
    for role in correction.parties:
        if role not in ahead or dossier.parties.of(role) is None:
            allowed = ", ".join(LABELS[each] for each in Role if each in ahead)
            yield rules.NOT_RECYCLABLE.build_violation(
                f"correction.{role.value}", role=LABELS[role], allowed=allowed
            )


def _judge_mandate(
    row: Row, dossier: Dossier, after: Dossier, correction: Correction, world: World
) -> tuple[Violation, ...]:
    """Judge the corrected MOA and payer by the mandate of the dossier, if it is under one."""
    if not needs_mandate(after.mandant, after.parties):
        return ()
    if row.depositor_application is SentApplication.FACTURES_EMISES:
        # The mandate names who pays a delegate back; its service alone may have been wrong.
        payer = Role.SERVICE_FINANCIER
        if after.parties[payer].structure == dossier.parties[payer].structure:
            return ()
        allowed = f"le service de {LABELS[payer]}"
        return (
            rules.NOT_RECYCLABLE.build_violation(
                f"correction.{payer.value}", role=LABELS[payer], allowed=allowed
            ),
        )
    broken = (
        *(judge_mandate_of(role, after, world) for role in correction.parties),
        judge_delegate_pays(after.mandant, after.parties),
    )
    return tuple(each for each in broken if each)


def _judge(
    row: Row, parties: Parties, correction: Correction, engagement: str | None, world: World
) -> Iterator[Violation]:
    """Judge the corrected parties and the recipient by the rules of a deposit."""
    unfit = [
        violation
        for role, party in correction.parties.items()
        if (violation := judge_structure(role, party, world.directory))
    ]
    if unfit:
        yield from unfit
        return
    recipient: Party = parties[row.recipient]
    today = find_paris_day(world.now)
    obstacle = judge_hop(
        row.recipient,
        recipient,
        parties,
        world.directory,
        today=today,
        require_moa=world.require_moa,
    )
    if obstacle:
        yield obstacle.violation
        return
    for role in sorted({row.recipient, *correction.parties}):
        party = parties[role]
        if role in (row.recipient, Role.SERVICE_FINANCIER):
            structure = world.directory[party.structure]
            yield from judge_fields(role, party, structure, engagement, today)
        elif wrong_service := judge_service(role, party, world.directory[party.structure], today):
            yield wrong_service
