"""What a journey is made of: what somebody does, and what must follow from it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from deploy.local.demo.cast import Site
from deploy.local.demo.pieces import Writer
from shared.circuit.statuses import Act
from shared.vocabulary.roles import Role
from shared.vocabulary.statuses import Status


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What must follow: nothing less, and nothing more."""

    then: tuple[Status, ...] = ()
    """The statuses that the latest piece of the dossier enters, in order."""
    to: tuple[Role, ...] = ()
    """Before whom it is put, to act."""
    informed: tuple[Role, ...] = ()
    """Before whom it is put, to know."""
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
class Does(Outcome):
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


Step = Deposit | Does | Silence


@dataclass(frozen=True, slots=True)
class Journey:
    """The story of a dossier."""

    name: str
    site: Site
    write: Writer
    steps: tuple[Step, ...]
