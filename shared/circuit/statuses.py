"""State machine of a piece: who may do which act, from which status, to which status."""

import csv
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from pathlib import Path

from shared.circuit.table import Row
from shared.vocabulary.levels import LEVEL
from shared.vocabulary.roles import Role
from shared.vocabulary.statuses import Status


class Act(StrEnum):
    """Act of an actor on a piece."""

    DEPOSER_SUITE = "deposer_suite"
    REMPLACER = "remplacer"
    PRENDRE_EN_COMPTE = "prendre_en_compte"
    REFUSER = "refuser"
    SUSPENDRE = "suspendre"
    COMPLETER = "completer"
    VALIDER = "valider"
    DEMANDER_RECYCLAGE = "demander_recyclage"
    RECYCLER = "recycler"
    CONTESTER = "contester"
    MAINTENIR = "maintenir"
    REJETER = "rejeter"
    SERVICE_FAIT = "service_fait"
    MANDATER = "mandater"
    METTRE_A_DISPOSITION_COMPTABLE = "mettre_a_disposition_comptable"
    COMPTABILISER = "comptabiliser"
    METTRE_EN_PAIEMENT = "mettre_en_paiement"


TREATMENTS = frozenset(Act) - {Act.DEPOSER_SUITE, Act.REMPLACER, Act.COMPLETER}
"""Acts that routing accepts itself; the others carry files and pass through deposit.

A contest has two ways: with a comment alone through routing, with files through deposit.
"""

JUDGEMENTS = frozenset(
    {
        Act.PRENDRE_EN_COMPTE,
        Act.VALIDER,
        Act.REFUSER,
        Act.SUSPENDRE,
        Act.DEMANDER_RECYCLAGE,
        Act.CONTESTER,
    }
)
"""Acts that a role may not do on a piece that it has deposited itself."""


class NextActor(StrEnum):
    """Who must act on the dossier after an act."""

    SAME = "same"
    DEPOSITOR_COMPLETES = "depositor_completes"
    DEPOSITOR_RECYCLES = "depositor_recycles"
    DEPOSITOR_ANSWERS = "depositor_answers"
    RECIPIENT = "recipient"
    RECIPIENT_OF_FOLLOWER = "recipient_of_follower"
    NOBODY = "nobody"


class Reason(StrEnum):
    """Explanation that an act needs."""

    NONE = "none"
    MOTIVE = "motive"
    COMMENT = "comment"


@dataclass(frozen=True, slots=True)
class Transition:
    """Transition: `role` does `act` on a piece in one of `sources`, which then is in `target`."""

    act: Act
    role: Role
    sources: frozenset[Status]
    target: Status
    awaited: NextActor
    reason: Reason
    level: int = 1
    """Level of the act and of its target: below it, the act is not offered."""


ENTRY = {
    Role.TITULAIRE: Status.A_ASSOCIER_FOURNISSEUR,
    Role.MOE: Status.A_ASSOCIER_MOE,
    Role.MOA: Status.A_ASSOCIER_MOA,
    Role.SERVICE_FINANCIER: Status.MISE_A_DISPOSITION,
}
"""Status in which a piece reaches its recipient."""

VALIDATED = frozenset({Status.VALIDEE_1, Status.ABSENCE_VALIDATION_1_HORS_DELAI})
"""Statuses of a piece that its validator has validated, by an act or by silence."""

_ON_THE_WAY = VALIDATED | {Status.DEPOSEE, Status.EN_COURS_ACHEMINEMENT}


def find_arrival_status(status: Status, role: Role) -> Status:
    """Find the status of a piece when it has reached its recipient; often it is the one it had.

    A completed piece returns to the recipient who suspended it; at the service financier it stays
    COMPLETEE.
    """
    is_back = status is Status.COMPLETEE and role is not Role.SERVICE_FINANCIER
    return ENTRY[role] if status in _ON_THE_WAY or is_back else status


def _read() -> Iterable[Transition]:
    path = Path(__file__).parent / "tables" / "statuts.csv"
    with path.open(encoding="utf-8", newline="") as lines:
        for record in csv.DictReader(lines, delimiter=";", strict=True):
            yield Transition(
                act=Act(record["acte"]),
                role=Role(record["role"]),
                sources=frozenset(Status(status) for status in record["depuis"].split()),
                target=Status(record["vers"]),
                awaited=NextActor(record["attendu_ensuite"]),
                reason=Reason(record["explication"]),
                level=int(record["niveau"]),
            )


TRANSITIONS = tuple(_read())
"""Our own transitions, between the portal's official codes and CONTESTEE.

No official matrix was found.
"""

GIVEN_BACK = frozenset(
    row.target
    for row in TRANSITIONS
    if row.awaited
    in {
        NextActor.DEPOSITOR_COMPLETES,
        NextActor.DEPOSITOR_RECYCLES,
        NextActor.DEPOSITOR_ANSWERS,
    }
)
"""Statuses of a piece that awaits its depositor: after one of them it may enter a status again."""

_BY_KEY = {(row.act, row.role, source): row for row in TRANSITIONS for source in row.sources}


def find_transition(act: Act, role: Role, status: Status, level: int = LEVEL) -> Transition | None:
    """Find the transition of an act of a role on a piece in a status.

    None when there is none, and when its level is above `level`, the write level.
    """
    found = _BY_KEY.get((act, role, status))
    return found if found and found.level <= level else None


@cache
def list_acts(role: Role, status: Status, level: int = LEVEL) -> tuple[Act, ...]:
    """List the acts that a role may do to a piece in a status, up to a level."""
    rows = (row for row in TRANSITIONS if row.role is role and row.level <= level)
    return tuple(row.act for row in rows if status in row.sources)


_STARTS_AGAIN = frozenset({Act.SUSPENDRE, Act.DEMANDER_RECYCLAGE})
"""Acts after which a piece is forwarded to its recipient again.

A delay from `AWAITED` then starts again.
"""


def is_fitting(act: Act, role: Role, row: Row) -> bool:
    """Tell whether the row of a piece allows an act of a role, whatever the status of the piece."""
    if act is Act.CONTESTER:
        return bool(row.followers_if_contested)
    if act in _STARTS_AGAIN and row.tacit_followers:
        # Otherwise a recipient could postpone for ever what its silence concludes (CCAG 12.4.4).
        return False
    return act not in JUDGEMENTS or role is not row.depositor


def is_given(act: Act, role: Role, row: Row, level: int = LEVEL) -> bool:
    """Tell whether a transition gives an act to a role for a piece of this row, in some status.

    A piece that was given back is its depositor's to act on, another one its recipient's or its
    validator's.
    """
    return any(
        role is row.depositor
        if each.sources <= GIVEN_BACK
        else role in {row.recipient, row.validator}
        for each in TRANSITIONS
        if each.act is act and each.role is role and each.level <= level
    )


def list_fitting_acts(role: Role, status: Status, row: Row, level: int = LEVEL) -> tuple[Act, ...]:
    """List the acts that a role may do to a piece, by its status and its row, up to a level."""
    return tuple(act for act in list_acts(role, status, level) if is_fitting(act, role, row))
