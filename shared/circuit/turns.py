"""Turns in a dossier: who may act on which piece, and by which act."""

from dataclasses import dataclass, replace

from shared.circuit import rules
from shared.circuit.parties import LABELS
from shared.circuit.statuses import (
    Act,
    Transition,
    find_transition,
    is_fitting,
    is_given,
    list_fitting_acts,
)
from shared.circuit.table import Circuit, Row
from shared.vocabulary.cadres import Cadre
from shared.vocabulary.roles import Role
from shared.vocabulary.rules import Violation
from shared.vocabulary.statuses import Status


@dataclass(frozen=True, slots=True)
class Turn:
    """Turn of a structure in a role that may act, and the cadres that it may deposit."""

    role: Role
    structure: str
    cadres: tuple[Cadre, ...]


@dataclass(frozen=True, slots=True)
class Awaited:
    """Turns on the awaited piece: first the actor awaited, then those who may act instead."""

    turns: tuple[Turn, ...]
    piece_id: str
    number: str
    held: str | None = None
    """Why the piece is held back from its recipient, if it is: a sentence, or a rule's code."""

    def find_turn(self, role: Role, structure: str) -> Turn | None:
        """Find the turn of a structure in a role; None when it may not act."""
        who = (role, structure)
        return next((turn for turn in self.turns if (turn.role, turn.structure) == who), None)


@dataclass(frozen=True, slots=True)
class CurrentPiece:
    """Piece with its current status."""

    id: str
    number: str
    status: Status


def judge_turn(
    awaited: Awaited | None, piece: CurrentPiece, role: Role, structure: str
) -> Turn | Violation:
    """Find the turn of a structure, or the violation when it may not act on the piece.

    It may not when the dossier is closed or held, or when another piece or actor is awaited.
    """
    if awaited is None:
        return rules.DOSSIER_CLOSED.build_violation("dossier")
    first = awaited.turns[0]
    if awaited.piece_id != piece.id:
        return rules.PIECE_NOT_AWAITED.build_violation(
            "piece",
            number=piece.number,
            status=piece.status,
            awaited=LABELS[first.role],
            current=awaited.number,
        )
    turn = awaited.find_turn(role, structure)
    if turn is None:
        return rules.ACTOR_NOT_AWAITED.build_violation(
            "role",
            awaited=LABELS[first.role],
            structure=first.structure,
            role=LABELS[role],
            caller=structure,
        )
    if awaited.held:
        return rules.DOSSIER_HELD.build_violation("dossier", held=awaited.held)
    return turn


def judge_act(
    piece: CurrentPiece, row: Row, act: Act, role: Role, level: int
) -> Transition | Violation:
    """Find the transition of an act on a piece, or why its status or its row forbids it.

    `level` is the write level: an act of a higher level is not possible, and not offered.
    """
    found = find_transition(act, role, piece.status, level)
    if found and is_fitting(act, role, row):
        return found
    return rules.ACT_NOT_POSSIBLE.build_violation(
        "act",
        number=piece.number,
        status=piece.status,
        act=act,
        allowed=", ".join(list_fitting_acts(role, piece.status, row, level)) or "aucun",
    )


def mark_early(
    refusal: Violation, circuit: Circuit, row: Row | None, act: Act, role: Role, level: int
) -> Violation:
    """Mark whether a refused act may only be early: in some state of the dossier it is the role's.

    `row` is that of the piece that the act is done to, or that a deposit follows; None when the
    circuit has no place for the piece, to which nobody ever does anything.
    """
    if row is None:
        is_ever = False
    elif act in {Act.DEPOSER_SUITE, Act.REMPLACER}:
        is_ever = any(each.depositor is role for each in circuit.list_every_next(row))
    else:
        is_ever = is_fitting(act, role, row) and is_given(act, role, row, level)
    return replace(refusal, can_be_early=refusal.can_be_early and is_ever)
