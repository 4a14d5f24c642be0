"""Mandant of a deposit: whether the MOA may act for it, and what follows for the parties."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import date

from services.deposit.domain import rules
from services.deposit.domain.next_pieces import FollowedPiece
from services.deposit.domain.proposal import Proposal
from shared.circuit.mandates import (
    FIELD,
    Mandate,
    find_moa_mandate,
    judge_delegate_pays,
    judge_mandate,
)
from shared.circuit.parties import Parties
from shared.circuit.rules import MANDANT_WITHOUT_MOA
from shared.circuit.table import Circuit
from shared.vocabulary.levels import LEVEL_OF_MANDATES
from shared.vocabulary.roles import Role
from shared.vocabulary.rules import Violation


def find_mandant(proposal: Proposal, following: FollowedPiece | None) -> str | None:
    """Find the mandant of a deposit: that of the dossier, or the one that an opener states."""
    return following.mandant if following else proposal.metadata.mandant


def find_default_structures(
    proposal: Proposal, circuit: Circuit, mandates: Iterable[Mandate], today: date
) -> Mapping[Role, str]:
    """Find the structures of an opener that follow from its mandate, when nothing names them.

    The delegate pays by its own service financier. It issues a facture de régularisation itself,
    and the payer of its mandate pays that one.
    """
    mandant = proposal.metadata.mandant
    if _is_settlement(proposal, circuit):
        found = judge_mandate(
            mandates, mandant or "", proposal.structure, _read_marche(proposal), today
        )
        payer = found.payer if isinstance(found, Mandate) else mandant
        return {Role.TITULAIRE: proposal.structure, Role.SERVICE_FINANCIER: payer or ""}
    moa = proposal.metadata.parties.get(Role.MOA)
    delegate = moa.structure if moa else ""
    if proposal.role is Role.MOA:
        delegate = delegate or proposal.structure
    return {Role.SERVICE_FINANCIER: delegate} if mandant else {}


def find_mandate(
    proposal: Proposal,
    following: FollowedPiece | None,
    parties: Parties,
    mandates: Iterable[Mandate],
    today: date,
) -> Mandate | Violation | None:
    """Find the mandate that allows a deposit, or why none does; None when it needs none."""
    if following:
        return find_mandate_to_act(following, proposal.role, mandates, today)
    return find_moa_mandate(
        parties, proposal.metadata.mandant, _read_marche(proposal), mandates, today
    )


def find_mandate_to_act(
    following: FollowedPiece, role: Role, mandates: Iterable[Mandate], today: date
) -> Mandate | Violation | None:
    """Find the mandate by which a role may act in a dossier; only its MOA needs one."""
    if role is not Role.MOA:
        return None
    return find_moa_mandate(following.parties, following.mandant, following.marche, mandates, today)


def judge_delegation(
    proposal: Proposal,
    circuit: Circuit,
    following: FollowedPiece | None,
    parties: Parties,
    mandates: Iterable[Mandate],
    today: date,
    level: int,
) -> Iterator[Violation]:
    """Check the mandant of a deposit, its mandate, and who pays under it."""
    too_early = tuple(_judge_level(proposal, following, level))
    if too_early:
        yield from too_early
        return
    if following:
        yield from _judge_unchanged(proposal, following)
    mandant = proposal.metadata.mandant
    if mandant and not following and parties.moa is None:
        yield MANDANT_WITHOUT_MOA.build_violation(FIELD)
    found = find_mandate(proposal, following, parties, mandates, today)
    if isinstance(found, Violation):
        yield found
    if following or _is_settlement(proposal, circuit):
        return
    if violation := judge_delegate_pays(mandant, parties):
        yield violation


def _judge_level(
    proposal: Proposal, following: FollowedPiece | None, level: int
) -> Iterator[Violation]:
    state = following.state if following else None
    if max(level, state.level if state else 1) >= LEVEL_OF_MANDATES:
        return
    stated = proposal.metadata
    for name, value in (
        (FIELD, stated.mandant),
        ("settles", stated.settles),
        ("lot", stated.lot),
    ):
        if value:
            yield rules.LEVEL_TOO_LOW.build_violation(name, name=name)


def _judge_unchanged(proposal: Proposal, following: FollowedPiece) -> Iterator[Violation]:
    """Check that a next piece states the mandant and the lot of its dossier, or none."""
    stated, lot = proposal.metadata, following.piece.draft.lot
    if stated.mandant and stated.mandant != following.mandant:
        named = f"a pour mandant {following.mandant}" if following.mandant else "n'en a pas"
        yield rules.MANDANT_CONTRADICTS_DOSSIER.build_violation(
            FIELD, said=stated.mandant, named=named
        )
    if stated.lot and stated.lot != lot:
        named = f"est celui du lot {lot}" if lot else "n'est d'aucun lot"
        yield rules.LOT_CONTRADICTS_DOSSIER.build_violation("lot", said=stated.lot, named=named)


def _is_settlement(proposal: Proposal, circuit: Circuit) -> bool:
    cadre = proposal.fields.cadre
    row = circuit.find_row(cadre, moa=True) if cadre else None
    return row is not None and row.is_settlement


def _read_marche(proposal: Proposal) -> str | None:
    marche = proposal.fields.marche
    return marche and marche.strip()
