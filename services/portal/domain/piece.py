"""A piece as the portal shows it: its whole state, and the one reported to the supplier's side."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime

from shared.circuit.amounts import Prevailing
from shared.circuit.parties import Party
from shared.vocabulary.actors import Actor
from shared.vocabulary.amounts import Amounts, Change, find_changes
from shared.vocabulary.roles import SUPPLIER_SIDE, Role
from shared.vocabulary.statuses import Status


@dataclass(frozen=True, slots=True)
class Awaited:
    """Who must act on a piece, and since when."""

    actors: tuple[Actor, ...]
    """Any of them may act; the first is the one whom the circuit names."""
    since: datetime | None
    due: datetime | None = None
    held: bool = False
    """A rule keeps the piece from them, for now."""


@dataclass(frozen=True, slots=True)
class PieceState:
    """The state of a piece, as one side sees it: status, whom it awaits, whether it is closed."""

    status: Status
    status_at: datetime | None
    closed: bool
    """The dossier is closed."""
    awaited: Awaited | None = None
    """None when the dossier awaits nobody, or on another piece."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece in its dossier."""

    id: str
    dossier_id: str
    cadre: str
    number: str
    depositor: Actor
    parties: Mapping[Role, Party]
    whole: PieceState
    reported: PieceState
    """As the supplier's side sees it; it differs when a payment is hidden from that side."""
    follows: str | None = None
    issued_on: date | None = None
    deposited_at: datetime | None = None
    currency: str | None = None
    amounts: Amounts | None = None
    engagement: str | None = None
    marche: str | None = None
    is_credit_note: bool = False
    prevailing: Prevailing | None = None
    """What holds in the dossier."""

    @property
    def is_taken_away(self) -> bool:
        """Whether the piece lowers a total: an avoir, whichever sign its amounts bear."""
        return self.amounts is not None and (self.is_credit_note or self.amounts.ttc < 0)

    @property
    def counted(self) -> Amounts | None:
        """The amounts as they count in a total: those of an avoir are below zero."""
        amounts = self.amounts
        if amounts is None or not self.is_credit_note or amounts.ttc < 0:
            return amounts
        return Amounts(ht=-amounts.ht, tva=-amounts.tva, ttc=-amounts.ttc, due=-amounts.due)

    @property
    def differences(self) -> tuple[Change, ...]:
        """The totals that the piece states otherwise than what holds in its dossier."""
        if self.amounts is None or self.prevailing is None:
            return ()
        return find_changes(self.prevailing.amounts, self.amounts)

    def state_for(self, role: Role) -> PieceState:
        """Give the state that a role sees."""
        return self.reported if sees_reported(role) else self.whole

    @property
    def viewers(self) -> frozenset[Actor]:
        """Who may see it."""
        return frozenset(Actor(role, party.structure) for role, party in self.parties.items())

    @property
    def awaits(self) -> frozenset[Actor]:
        """Whom it awaits now: what it awaits from the supplier's side is the same in both."""
        awaited = self.whole.awaited
        if awaited is None or awaited.held:
            return frozenset()
        return frozenset(awaited.actors) & self.viewers


def sees_reported(role: Role) -> bool:
    """Tell whether a role sees what is reported to the supplier's side, and no more."""
    return role in SUPPLIER_SIDE
