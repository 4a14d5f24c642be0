"""Steps of a journey: the act of an actor, and its expected outcome."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from deploy.local.demo.pieces import Writer
from deploy.local.demo.structures import Marche
from shared.circuit.statuses import Act
from shared.vocabulary.roles import Role
from shared.vocabulary.statuses import Status


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """Expected outcome of a step: these statuses and deliveries, and no others."""

    then: tuple[Status, ...] = ()
    """Statuses that the latest piece of the dossier enters, in order."""
    to: tuple[Role, ...] = ()
    """Roles that receive the piece for action."""
    informed: tuple[Role, ...] = ()
    """Roles that receive the piece for information."""
    remark: str | None = None
    """Remark to print after the hops."""


@dataclass(frozen=True, slots=True)
class Deposit(Outcome):
    """Deposit of a piece, which opens the dossier or follows the latest piece."""

    by: Role
    cadre: str
    ht: str = "10000.00"
    engagement: str | None = None
    services: Mapping[Role, str] = field(default_factory=dict)
    """Services of the recipients that this piece names."""
    leaves: Status = Status.ASSOCIEE
    """Status that the previous piece enters by this deposit."""
    is_sent_twice: bool = False
    settles: str | None = None
    """Name of the journey whose dossier a facture de régularisation settles."""


@dataclass(frozen=True, slots=True)
class Treatment(Outcome):
    """Act on the latest piece of the dossier."""

    by: Role
    act: Act
    motive: str | None = None
    comment: str | None = None
    correction: Mapping[str, Any] | None = None
    broken: str | None = None
    """Code of the rule that refuses the act; None when the act is accepted."""


@dataclass(frozen=True, slots=True)
class Silence(Outcome):
    """Nobody acts until a day, on which a delay has elapsed."""

    until_day: int
    """Days since the start of the demo."""
    delay: str
    """Name of the delay."""


Step = Deposit | Treatment | Silence


@dataclass(frozen=True, slots=True)
class Journey:
    """Journey of a dossier from its opening to its end, as steps."""

    name: str
    marche: Marche
    write: Writer
    steps: tuple[Step, ...]
