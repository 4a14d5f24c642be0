"""The statuses of a piece as a transition table: who may do what, from where, and who is next."""

import csv
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

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
    DEPOSITOR_COMPLETES = "depositor_completes"
    DEPOSITOR_ANSWERS = "depositor_answers"
    RECIPIENT = "recipient"
    RECIPIENT_OF_FOLLOWER = "recipient_of_follower"
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
    reason: Reason


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


def _read() -> Iterable[Transition]:
    path = Path(__file__).parent / "tables" / "statuts.csv"
    with path.open(encoding="utf-8", newline="") as lines:
        for record in csv.DictReader(lines, delimiter=";", strict=True):
            yield Transition(
                act=Act(record["acte"]),
                role=Role(record["role"]),
                sources=frozenset(Status(status) for status in record["depuis"].split()),
                target=Status(record["vers"]),
                awaited=Awaited(record["attendu_ensuite"]),
                reason=Reason(record["explication"]),
            )


TRANSITIONS = tuple(_read())
"""Ours, over the portal's official codes: no official matrix was found."""

_BY_KEY = {(row.act, row.role, source): row for row in TRANSITIONS for source in row.sources}


def transition(act: Act, role: Role, status: Status) -> Transition | None:
    """Find what an act of a role makes of a piece in a status; None if it may not."""
    return _BY_KEY.get((act, role, status))


def acts(role: Role, status: Status) -> tuple[Act, ...]:
    """List what a role may do to a piece in a status."""
    return tuple(row.act for row in TRANSITIONS if row.role is role and status in row.sources)
