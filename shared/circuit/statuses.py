"""The statuses of a piece as a transition table: who may do what, from where, and who is next."""

from dataclasses import dataclass
from enum import StrEnum

from shared.vocabulary.roles import Role
from shared.vocabulary.statuses import Status


class Act(StrEnum):
    """What an actor does to the piece that awaits it."""

    DEPOSER_SUITE = "deposer_suite"
    PRENDRE_EN_COMPTE = "prendre_en_compte"
    REFUSER = "refuser"
    SUSPENDRE = "suspendre"
    COMPLETER = "completer"
    CONTESTER = "contester"
    REJETER = "rejeter"
    SERVICE_FAIT = "service_fait"
    MANDATER = "mandater"
    METTRE_A_DISPOSITION_COMPTABLE = "mettre_a_disposition_comptable"
    COMPTABILISER = "comptabiliser"
    METTRE_EN_PAIEMENT = "mettre_en_paiement"


TREATMENTS = frozenset(Act) - {Act.DEPOSER_SUITE, Act.COMPLETER}
"""The acts that routing takes by itself; the other two carry files and pass through deposit."""


class Awaited(StrEnum):
    """Who must act on the dossier after an act."""

    SAME = "same"
    DEPOSITOR = "depositor"
    RECIPIENT = "recipient"
    FOLLOWER = "follower"
    NOBODY = "nobody"


class Reason(StrEnum):
    """What explanation an act carries."""

    NONE = "none"
    MOTIVE = "motive"
    COMMENT = "comment"


@dataclass(frozen=True, slots=True)
class Transition:
    """One row: `role` does `act` on a piece in one of `sources`, which then is in `target`."""

    act: Act
    role: Role
    sources: frozenset[Status]
    target: Status
    awaited: Awaited
    reason: Reason = Reason.NONE


ENTRY = {
    Role.TITULAIRE: Status.A_ASSOCIER_FOURNISSEUR,
    Role.MOE: Status.A_ASSOCIER_MOE,
    Role.MOA: Status.A_ASSOCIER_MOA,
    Role.SERVICE_FINANCIER: Status.MISE_A_DISPOSITION,
}
"""The status in which a piece reaches its recipient."""

ARRIVALS = {(Status.DEPOSEE, role): status for role, status in ENTRY.items()} | {
    (Status.COMPLETEE, role): status
    for role, status in ENTRY.items()
    if role is not Role.SERVICE_FINANCIER
}
"""What a hop makes of a piece's status; absent: nothing. The service financier sees COMPLETEE."""

_AT_MOE = frozenset({Status.A_ASSOCIER_MOE, Status.PRISE_EN_COMPTE_MOE})
_AT_MOA = frozenset({Status.A_ASSOCIER_MOA, Status.PRISE_EN_COMPTE_MOA})
_AT_TITULAIRE = frozenset({Status.A_ASSOCIER_FOURNISSEUR})
_RECEIVED = frozenset({Status.MISE_A_DISPOSITION, Status.COMPLETEE})
_SUSPENDED = frozenset({Status.SUSPENDUE})
_TO_SERVICE_FAIT = _RECEIVED
_TO_MANDATEE = _TO_SERVICE_FAIT | {Status.SERVICE_FAIT}
_TO_COMPTABLE = _TO_MANDATEE | {Status.MANDATEE}
_TO_COMPTABILISEE = _TO_COMPTABLE | {Status.MISE_A_DISPOSITION_COMPTABLE}
_TO_PAIEMENT = _TO_COMPTABILISEE | {Status.COMPTABILISEE}

TRANSITIONS = (
    Transition(Act.DEPOSER_SUITE, Role.MOE, _AT_MOE, Status.ASSOCIEE, Awaited.FOLLOWER),
    Transition(
        Act.DEPOSER_SUITE,
        Role.MOA,
        _AT_MOA | {Status.CONTESTEE},
        Status.ASSOCIEE,
        Awaited.FOLLOWER,
    ),
    Transition(Act.DEPOSER_SUITE, Role.TITULAIRE, _AT_TITULAIRE, Status.ASSOCIEE, Awaited.FOLLOWER),
    Transition(
        Act.PRENDRE_EN_COMPTE,
        Role.MOE,
        frozenset({Status.A_ASSOCIER_MOE}),
        Status.PRISE_EN_COMPTE_MOE,
        Awaited.SAME,
    ),
    Transition(
        Act.PRENDRE_EN_COMPTE,
        Role.MOA,
        frozenset({Status.A_ASSOCIER_MOA}),
        Status.PRISE_EN_COMPTE_MOA,
        Awaited.SAME,
    ),
    Transition(Act.REFUSER, Role.MOE, _AT_MOE, Status.REFUSEE_MOE, Awaited.NOBODY, Reason.MOTIVE),
    Transition(Act.REFUSER, Role.MOA, _AT_MOA, Status.REFUSEE_MOA, Awaited.NOBODY, Reason.MOTIVE),
    Transition(
        Act.REFUSER,
        Role.TITULAIRE,
        _AT_TITULAIRE,
        Status.REFUSEE_FOURNISSEUR,
        Awaited.NOBODY,
        Reason.MOTIVE,
    ),
    Transition(
        Act.SUSPENDRE, Role.MOE, _AT_MOE, Status.SUSPENDUE, Awaited.DEPOSITOR, Reason.COMMENT
    ),
    Transition(
        Act.SUSPENDRE, Role.MOA, _AT_MOA, Status.SUSPENDUE, Awaited.DEPOSITOR, Reason.COMMENT
    ),
    Transition(
        Act.SUSPENDRE,
        Role.TITULAIRE,
        _AT_TITULAIRE,
        Status.SUSPENDUE,
        Awaited.DEPOSITOR,
        Reason.COMMENT,
    ),
    Transition(
        Act.SUSPENDRE,
        Role.SERVICE_FINANCIER,
        _RECEIVED,
        Status.SUSPENDUE,
        Awaited.DEPOSITOR,
        Reason.COMMENT,
    ),
    Transition(Act.COMPLETER, Role.TITULAIRE, _SUSPENDED, Status.COMPLETEE, Awaited.RECIPIENT),
    Transition(Act.COMPLETER, Role.MOE, _SUSPENDED, Status.COMPLETEE, Awaited.RECIPIENT),
    Transition(Act.COMPLETER, Role.MOA, _SUSPENDED, Status.COMPLETEE, Awaited.RECIPIENT),
    Transition(
        Act.CONTESTER,
        Role.TITULAIRE,
        _AT_TITULAIRE,
        Status.CONTESTEE,
        Awaited.DEPOSITOR,
        Reason.COMMENT,
    ),
    Transition(
        Act.REJETER,
        Role.SERVICE_FINANCIER,
        _RECEIVED,
        Status.REJETEE,
        Awaited.NOBODY,
        Reason.COMMENT,
    ),
    Transition(
        Act.SERVICE_FAIT,
        Role.SERVICE_FINANCIER,
        _TO_SERVICE_FAIT,
        Status.SERVICE_FAIT,
        Awaited.SAME,
    ),
    Transition(Act.MANDATER, Role.SERVICE_FINANCIER, _TO_MANDATEE, Status.MANDATEE, Awaited.SAME),
    Transition(
        Act.METTRE_A_DISPOSITION_COMPTABLE,
        Role.SERVICE_FINANCIER,
        _TO_COMPTABLE,
        Status.MISE_A_DISPOSITION_COMPTABLE,
        Awaited.SAME,
    ),
    Transition(
        Act.COMPTABILISER,
        Role.SERVICE_FINANCIER,
        _TO_COMPTABILISEE,
        Status.COMPTABILISEE,
        Awaited.SAME,
    ),
    Transition(
        Act.METTRE_EN_PAIEMENT,
        Role.SERVICE_FINANCIER,
        _TO_PAIEMENT,
        Status.MISE_EN_PAIEMENT,
        Awaited.NOBODY,
    ),
)
"""Ours, over the portal's official codes: no official matrix was found."""

_BY_KEY = {(row.act, row.role, source): row for row in TRANSITIONS for source in row.sources}


def transition(act: Act, role: Role, status: Status) -> Transition | None:
    """Find what an act of a role makes of a piece in a status; None if it may not."""
    return _BY_KEY.get((act, role, status))


def acts(role: Role, status: Status) -> tuple[Act, ...]:
    """List what a role may do to a piece in a status."""
    return tuple(row.act for row in TRANSITIONS if row.role is role and status in row.sources)
