"""Steps of a journey: what an actor does, and the expected outcome."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from deploy.local.demo.pieces import Writer
from deploy.local.demo.structures import Site
from shared.circuit.statuses import Act
from shared.vocabulary.roles import Role
from shared.vocabulary.statuses import Status


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """Expected outcome: nothing less, and nothing more."""

    then: tuple[Status, ...] = ()
    """The statuses that the latest piece of the dossier enters, in order."""
    to: tuple[Role, ...] = ()
    """Roles to which it is delivered for action."""
    informed: tuple[Role, ...] = ()
    """Roles to which it is delivered for information."""
    remark: str | None = None
    """What to show of it beside the hops."""


@dataclass(frozen=True, slots=True)
class Deposit(Outcome):
    """A piece is deposited: it opens the dossier, or comes after the latest one."""

    by: Role
    cadre: str
    ht: str = "10000.00"
    engagement: str | None = None
    services: Mapping[Role, str] = field(default_factory=dict)
    """Services of the recipients, named by this piece."""
    leaves: Status = Status.ASSOCIEE
    """What becomes of the piece before."""
    is_sent_twice: bool = False


@dataclass(frozen=True, slots=True)
class Treatment(Outcome):
    """Somebody treats the latest piece."""

    by: Role
    act: Act
    motive: str | None = None
    comment: str | None = None
    correction: Mapping[str, Any] | None = None
    broken: str | None = None
    """The rule that refuses the act."""


@dataclass(frozen=True, slots=True)
class Silence(Outcome):
    """Nobody does anything until a day, on which a delay is over."""

    until_day: int
    delay: str


Step = Deposit | Treatment | Silence


@dataclass(frozen=True, slots=True)
class Journey:
    """A dossier from its opening to its end, as steps."""

    name: str
    site: Site
    write: Writer
    steps: tuple[Step, ...]
