"""Hop of a piece: whether it may be forwarded to its recipient, by the current directory."""

from datetime import date

from shared.circuit import rules
from shared.circuit.moa import judge_parties
from shared.circuit.parties import (
    Directory,
    Obstacle,
    Parties,
    Party,
    judge_service,
    judge_structure,
)
from shared.vocabulary.roles import Role


def judge_hop(
    role: Role,
    recipient: Party,
    parties: Parties,
    directory: Directory,
    *,
    today: date,
    require_moa: bool,
) -> Obstacle | None:
    """Check whether a piece may be forwarded: the recipient, then the table of the MOA parameter.

    Returns None when it may. The whole table is checked at every hop: a dossier that cannot reach
    its end waits early, before people work on it in vain. The state and the service of a
    structure are checked for the recipient alone.
    """
    broken = judge_structure(role, recipient, directory) or judge_service(
        role, recipient, directory[recipient.structure], today
    )
    if broken:
        return Obstacle(recipient.structure, broken)
    service_financier = directory.get(parties.service_financier.structure)
    moa = directory.get(parties.moa.structure) if parties.moa else None
    if service_financier is None:
        return _build_unknown(Role.SERVICE_FINANCIER, parties.service_financier)
    if parties.moa and moa is None:
        return _build_unknown(Role.MOA, parties.moa)
    verdict = judge_parties(moa, service_financier, require_moa=require_moa)
    return verdict if isinstance(verdict, Obstacle) else None


def _build_unknown(role: Role, party: Party) -> Obstacle:
    rule = rules.STRUCTURE_UNKNOWN
    return Obstacle(
        party.structure, rule.build_violation(f"{role.value}.structure", structure=party.structure)
    )
