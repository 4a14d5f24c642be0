"""Judgement of a piece that opens a dossier."""

from collections.abc import Iterator
from datetime import date

from services.deposit.domain.proposal import Proposal
from services.deposit.domain.structures import judge_named, judge_required
from shared.circuit.cadres import judge_depositor, judge_opening
from shared.circuit.moa import judge_parties
from shared.circuit.parties import LABELS, Directory, Obstacle, Parties
from shared.circuit.rules import PARTY_MISSING
from shared.circuit.table import Circuit, Row
from shared.vocabulary.roles import Role
from shared.vocabulary.rules import Violation


def judge_opener(
    circuit: Circuit,
    proposal: Proposal,
    parties: Parties,
    directory: Directory,
    *,
    today: date,
    require_moa: bool,
) -> Iterator[Violation]:
    """Check the cadre, the parties and the directory, at the first deposit of a dossier."""
    fields = proposal.fields
    row = fields.cadre and circuit.find_row(fields.cadre, moa=parties.moa is not None)
    if fields.cadre:
        yield from judge_opening(circuit, fields.cadre, proposal.role, parties)
    yield from judge_depositor(proposal.role, proposal.structure, parties)
    for role, party in parties.list_named():
        if fields.cadre and not party.structure:
            yield PARTY_MISSING.build_violation(
                f"{role.value}.structure", cadre=fields.cadre, role=LABELS[role]
            )
        yield from judge_named(role, party, directory, proposal.read)
    yield from _judge_moa_parameter(parties, directory, require_moa=require_moa)
    recipients = {row.first_recipient} if isinstance(row, Row) else set[Role]()
    for role in sorted(recipients | {Role.SERVICE_FINANCIER}):
        yield from judge_required(role, parties, directory, fields.engagement, today)


def _judge_moa_parameter(
    parties: Parties, directory: Directory, *, require_moa: bool
) -> Iterator[Violation]:
    service_financier = directory.get(parties.service_financier.structure)
    moa = directory.get(parties.moa.structure) if parties.moa else None
    if service_financier is None or (parties.moa and moa is None):
        return
    verdict = judge_parties(moa, service_financier, require_moa=require_moa)
    if isinstance(verdict, Obstacle):
        yield verdict.violation
