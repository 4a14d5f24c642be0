"""Validation of a cadre: in a search, as the opener of a dossier, or after a piece."""

from collections.abc import Collection, Iterable
from dataclasses import replace

from shared.circuit import rules
from shared.circuit.loader import NEWEST, list_versions, load_version
from shared.circuit.parties import LABELS, Parties
from shared.circuit.statuses import Act
from shared.circuit.table import Circuit, Row
from shared.vocabulary.cadres import Cadre
from shared.vocabulary.roles import Role
from shared.vocabulary.rules import Violation


def judge_asked(cadre: Cadre, field: str = "cadre") -> tuple[Violation, ...]:
    """Check that a cadre by which something is asked exists, in any version of the circuit."""
    if any(load_version(name).has_cadre(cadre) for name in list_versions()):
        return ()
    rule, newest = rules.CADRE_UNKNOWN, load_version(NEWEST)
    allowed = _join_cadres(dict.fromkeys(row.cadre for row in newest.rows))
    return (rule.build_violation(field, cadre=cadre, version=NEWEST, allowed=allowed),)


def judge_opening(
    circuit: Circuit, cadre: Cadre, depositor: Role, parties: Parties
) -> tuple[Violation, ...]:
    """Check that a role may open a dossier by a cadre.

    Every later role must be named, and a structure cannot validate its own piece.
    """
    moa = parties.moa is not None
    row = _find(circuit, cadre, circuit.list_openers(depositor, moa=moa), moa=moa)
    if isinstance(row, Violation):
        return (row,)
    broken = [*_check_depositor(row, depositor)]
    if not row.is_opener:
        allowed = _join_cadres(circuit.list_openers(depositor, moa=moa))
        broken.append(rules.CADRE_NOT_OPENER.build_violation("cadre", cadre=cadre, allowed=allowed))
    broken += [
        rules.PARTY_MISSING.build_violation(
            f"{role.value}.structure", cadre=cadre, role=LABELS[role]
        )
        for role in sorted(circuit.find_roles_ahead(row))
        if parties.of(role) is None
    ]
    return (*broken, *_check_validator(row, parties))


def judge_following(
    circuit: Circuit, cadre: Cadre, depositor: Role, previous: Row, allowed: Collection[Cadre]
) -> tuple[Violation, ...]:
    """Check that a role may deposit a cadre after a piece; `allowed` are its cadres there."""
    row = _find(circuit, cadre, allowed, moa=previous.moa_present)
    if isinstance(row, Violation):
        return (row,)
    broken = [*_check_depositor(row, depositor)]
    if cadre not in allowed:
        violation = rules.CADRE_NOT_NEXT.build_violation(
            "cadre", cadre=cadre, previous=previous.cadre, allowed=_join_cadres(allowed)
        )
        # It may follow in another state of the dossier, which may not be known yet.
        later = {each.cadre for each in circuit.list_every_next(previous)}
        broken.append(replace(violation, can_be_early=cadre in later))
    return tuple(broken)


def find_deposit_act(circuit: Circuit, cadre: Cadre, previous: Row) -> Act:
    """Find the act of a deposit on the previous piece: follow it, or replace it."""
    row = circuit.find_row(cadre, moa=previous.moa_present)
    return Act.REMPLACER if row and previous.cadre in row.replaces else Act.DEPOSER_SUITE


def judge_depositor(depositor: Role, structure: str, parties: Parties) -> tuple[Violation, ...]:
    """Check that the structure that deposits is the one named in its role."""
    party = parties.of(depositor)
    if party is not None and party.structure == structure:
        return ()
    rule = rules.PARTY_NOT_DEPOSITOR
    return (
        rule.build_violation("depositor.structure", structure=structure, role=LABELS[depositor]),
    )


def _find(
    circuit: Circuit, cadre: Cadre, allowed: Iterable[Cadre], *, moa: bool
) -> Row | Violation:
    row = circuit.find_row(cadre, moa=moa)
    if row is not None:
        return row
    if not circuit.has_cadre(cadre):
        rule = rules.CADRE_UNKNOWN
        return rule.build_violation(
            "cadre", cadre=cadre, version=circuit.version, allowed=_join_cadres(allowed)
        )
    rule = rules.CADRE_NEEDS_NO_MOA if moa else rules.CADRE_NEEDS_MOA
    return rule.build_violation("moa", cadre=cadre)


def _check_validator(row: Row, parties: Parties) -> Iterable[Violation]:
    role = row.validator
    if role is None:
        return
    depositor, validator = parties.of(row.depositor), parties.of(role)
    if depositor and validator and depositor.structure == validator.structure:
        yield rules.VALIDATOR_IS_DEPOSITOR.build_violation(
            f"{role.value}.structure",
            cadre=row.cadre,
            role=LABELS[role],
            structure=validator.structure,
        )


def _check_depositor(row: Row, depositor: Role) -> Iterable[Violation]:
    if depositor is not row.depositor:
        yield rules.CADRE_WRONG_DEPOSITOR.build_violation(
            "cadre",
            cadre=row.cadre,
            expected=LABELS[row.depositor],
            role=LABELS[depositor],
        )


def _join_cadres(cadres: Iterable[Cadre]) -> str:
    return ", ".join(cadres) or "aucun"
