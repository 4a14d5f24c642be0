"""Transition table of tickets: who may do which act, from which status, to which."""

from dataclasses import dataclass

from shared.vocabulary.tickets import Side, TicketAct, TicketStatus

_B = TicketStatus.BROUILLON
_D = TicketStatus.DEPOSE
_C = TicketStatus.EN_COURS
_A = TicketStatus.EN_ATTENTE
_R = TicketStatus.RESOLU
_O = TicketStatus.ROUVERT
_X = TicketStatus.CLOS
_UNSETTLED = frozenset({_D, _C, _A, _O})
"""A submitted ticket that is not settled."""


@dataclass(frozen=True, slots=True)
class Transition:
    """One row: `side` does `act` on a ticket in one of `sources`, which then is in `target`."""

    act: TicketAct
    side: Side
    sources: frozenset[TicketStatus]
    target: TicketStatus | None
    """None: the status stays."""
    is_text_required: bool = False
    """Whether the act is said in words."""
    is_allowed_when_full: bool = False
    """Whether a journal that is full still takes it: it brings the ticket to its end."""


TRANSITIONS = (
    Transition(TicketAct.ENREGISTRER, Side.DEMANDEUR, frozenset({_B}), None),
    Transition(TicketAct.ABANDONNER, Side.DEMANDEUR, frozenset({_B}), None),
    Transition(TicketAct.DEPOSER, Side.DEMANDEUR, frozenset({_B}), _D),
    Transition(
        TicketAct.ECRIRE, Side.DEMANDEUR, frozenset({_D, _C, _O}), None, is_text_required=True
    ),
    Transition(TicketAct.ECRIRE, Side.DEMANDEUR, frozenset({_A}), _C, is_text_required=True),
    Transition(TicketAct.ROUVRIR, Side.DEMANDEUR, frozenset({_R}), _O, is_text_required=True),
    Transition(
        TicketAct.EVALUER, Side.DEMANDEUR, frozenset({_R, _X}), _X, is_allowed_when_full=True
    ),
    Transition(
        TicketAct.PRENDRE_EN_CHARGE, Side.BUREAU, frozenset({_D, _O}), _C, is_allowed_when_full=True
    ),
    Transition(TicketAct.PRENDRE_EN_CHARGE, Side.BUREAU, frozenset({_C, _A}), None),
    Transition(TicketAct.REPONDRE, Side.BUREAU, frozenset({_C, _A}), None, is_text_required=True),
    Transition(TicketAct.DEMANDER, Side.BUREAU, frozenset({_C}), _A, is_text_required=True),
    Transition(TicketAct.PRIORISER, Side.BUREAU, _UNSETTLED, None),
    Transition(TicketAct.TRANSFERER, Side.BUREAU, _UNSETTLED, _D, is_text_required=True),
    Transition(
        TicketAct.RESOUDRE,
        Side.BUREAU,
        frozenset({_C, _A}),
        _R,
        is_text_required=True,
        is_allowed_when_full=True,
    ),
    Transition(TicketAct.CLORE, Side.PLATEFORME, frozenset({_R}), _X, is_allowed_when_full=True),
)

OPEN_STATUSES = _UNSETTLED
"""In the queue of a desk."""
RUNNING_STATUSES = _UNSETTLED - {_A}
"""While the clock of the desk runs: nobody is late for what the issuer has not answered."""
ARRIVAL_ACTS = frozenset({TicketAct.DEPOSER, TicketAct.TRANSFERER, TicketAct.ROUVRIR})
"""The acts by which a ticket comes to a desk, which has to answer from then on."""
ANSWER_ACTS = frozenset({TicketAct.REPONDRE, TicketAct.DEMANDER, TicketAct.RESOUDRE})
"""The acts by which a desk has answered."""


def find_transition(act: TicketAct, side: Side, status: TicketStatus) -> Transition | None:
    """Find the row by which a side does an act; None when it may not."""
    for row in TRANSITIONS:
        if row.act is act and row.side is side and status in row.sources:
            return row
    return None


def list_allowed_acts(side: Side, status: TicketStatus) -> tuple[TicketAct, ...]:
    """List what a side may do to a ticket."""
    return tuple(row.act for row in TRANSITIONS if row.side is side and status in row.sources)
