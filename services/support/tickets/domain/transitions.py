"""Transition table of tickets: who may do which act, from which status, to which."""

from dataclasses import dataclass

from shared.vocabulary.tickets import Side, TicketAct, TicketStatus

_BROUILLON = TicketStatus.BROUILLON
_DEPOSE = TicketStatus.DEPOSE
_EN_COURS = TicketStatus.EN_COURS
_EN_ATTENTE = TicketStatus.EN_ATTENTE
_RESOLU = TicketStatus.RESOLU
_ROUVERT = TicketStatus.ROUVERT
_CLOS = TicketStatus.CLOS
_UNSETTLED = frozenset({_DEPOSE, _EN_COURS, _EN_ATTENTE, _ROUVERT})
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
    Transition(TicketAct.ENREGISTRER, Side.DEMANDEUR, frozenset({_BROUILLON}), None),
    Transition(TicketAct.ABANDONNER, Side.DEMANDEUR, frozenset({_BROUILLON}), None),
    Transition(TicketAct.DEPOSER, Side.DEMANDEUR, frozenset({_BROUILLON}), _DEPOSE),
    Transition(
        TicketAct.ECRIRE,
        Side.DEMANDEUR,
        frozenset({_DEPOSE, _EN_COURS, _ROUVERT}),
        None,
        is_text_required=True,
    ),
    Transition(
        TicketAct.ECRIRE, Side.DEMANDEUR, frozenset({_EN_ATTENTE}), _EN_COURS, is_text_required=True
    ),
    Transition(
        TicketAct.ROUVRIR, Side.DEMANDEUR, frozenset({_RESOLU}), _ROUVERT, is_text_required=True
    ),
    Transition(
        TicketAct.EVALUER,
        Side.DEMANDEUR,
        frozenset({_RESOLU, _CLOS}),
        _CLOS,
        is_allowed_when_full=True,
    ),
    Transition(
        TicketAct.PRENDRE_EN_CHARGE,
        Side.BUREAU,
        frozenset({_DEPOSE, _ROUVERT}),
        _EN_COURS,
        is_allowed_when_full=True,
    ),
    Transition(TicketAct.PRENDRE_EN_CHARGE, Side.BUREAU, frozenset({_EN_COURS, _EN_ATTENTE}), None),
    Transition(
        TicketAct.REPONDRE,
        Side.BUREAU,
        frozenset({_EN_COURS, _EN_ATTENTE}),
        None,
        is_text_required=True,
    ),
    Transition(
        TicketAct.DEMANDER, Side.BUREAU, frozenset({_EN_COURS}), _EN_ATTENTE, is_text_required=True
    ),
    Transition(TicketAct.PRIORISER, Side.BUREAU, _UNSETTLED, None),
    Transition(TicketAct.TRANSFERER, Side.BUREAU, _UNSETTLED, _DEPOSE, is_text_required=True),
    Transition(
        TicketAct.RESOUDRE,
        Side.BUREAU,
        frozenset({_EN_COURS, _EN_ATTENTE}),
        _RESOLU,
        is_text_required=True,
        is_allowed_when_full=True,
    ),
    Transition(
        TicketAct.CLORE, Side.PLATEFORME, frozenset({_RESOLU}), _CLOS, is_allowed_when_full=True
    ),
)

OPEN_STATUSES = _UNSETTLED
"""Statuses of a ticket in the queue of a desk."""
RUNNING_STATUSES = _UNSETTLED - {_EN_ATTENTE}
"""Statuses in which the response time of a desk runs. It stops while the issuer is awaited."""
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
