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
"""Statuses of a submitted ticket that is not settled."""


@dataclass(frozen=True, slots=True)
class Transition:
    """Row of the table: `side` does `act` in one of `sources`, and the status becomes `target`."""

    act: TicketAct
    side: Side
    sources: frozenset[TicketStatus]
    target: TicketStatus | None
    """None when the status does not change."""
    is_text_required: bool = False
    """Whether the act needs a text."""
    is_allowed_when_full: bool = False
    """Whether the act is allowed when the journal is full: the ticket can still be closed."""


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
"""Statuses of a ticket in the queue of a desk."""
RUNNING_STATUSES = _UNSETTLED - {_A}
"""Statuses that count for the response time of the desk; none while the issuer is awaited."""
ARRIVAL_ACTS = frozenset({TicketAct.DEPOSER, TicketAct.TRANSFERER, TicketAct.ROUVRIR})
"""Acts that bring a ticket to a desk: its response time starts again from zero."""
ANSWER_ACTS = frozenset({TicketAct.REPONDRE, TicketAct.DEMANDER, TicketAct.RESOUDRE})
"""Acts that count as an answer of the desk."""


def find_transition(act: TicketAct, side: Side, status: TicketStatus) -> Transition | None:
    """Find the row for an act of a side in a status; None when there is none."""
    for row in TRANSITIONS:
        if row.act is act and row.side is side and status in row.sources:
            return row
    return None


def list_acts(side: Side, status: TicketStatus) -> tuple[TicketAct, ...]:
    """List the acts that the table allows to a side in a status."""
    return tuple(row.act for row in TRANSITIONS if row.side is side and status in row.sources)
