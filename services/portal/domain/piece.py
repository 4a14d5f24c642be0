"""A piece as the portal shows it: its full state, and the one for the supplier's side."""

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
    """Whether a rule holds the piece back for now."""


@dataclass(frozen=True, slots=True)
class PieceState:
    """State of a piece as one side sees it: its status, and who is awaited."""

    status: Status
    status_at: datetime | None
    closed: bool
    """Whether the dossier is closed."""
    awaited: Awaited | None = None
    """None when the dossier awaits nobody, or awaits somebody on another piece."""


@dataclass(frozen=True, slots=True)
class Counted:
    """Amounts as they count in a total: those of an avoir are below zero, whatever their sign."""

    amounts: Amounts
    is_avoir: bool


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
    """State for the supplier's side, from which a payment may be hidden."""
    follows: str | None = None
    issued_on: date | None = None
    deposited_at: datetime | None = None
    currency: str | None = None
    amounts: Amounts | None = None
    engagement: str | None = None
    marche: str | None = None
    is_credit_note: bool = False
    prevailing: Prevailing | None = None
    """Prevailing amounts of the dossier."""
    received_in: frozenset[Role] = frozenset()
    """Roles that have received the piece."""
    mandant: str | None = None
    """Structure for which the MOA of the dossier acts under a mandate."""
    settles: tuple[str, ...] = ()
    """Dossiers that a facture de régularisation settles."""
    is_prevailing_credit_note: bool = False
    """Whether the piece that states the prevailing amounts is an avoir."""

    @property
    def counted(self) -> Counted | None:
        """Amounts of the piece as they count in a total; None when they are unknown."""
        return _count(self.amounts, is_avoir=self.is_credit_note) if self.amounts else None

    @property
    def counted_prevailing(self) -> Counted | None:
        """Prevailing amounts as they count in a total; those of the piece where none are known."""
        if self.prevailing is None:
            return self.counted
        return _count(self.prevailing.amounts, is_avoir=self.is_prevailing_credit_note)

    @property
    def differences(self) -> tuple[Change, ...]:
        """Totals of the piece that differ from the prevailing amounts of its dossier."""
        if self.amounts is None or self.prevailing is None:
            return ()
        return find_changes(self.prevailing.amounts, self.amounts)

    def select_state(self, role: Role) -> PieceState:
        """Return the state that a role sees."""
        return self.reported if sees_reported(role) else self.whole

    @property
    def viewers(self) -> frozenset[Actor]:
        """Actors who may see the piece."""
        return frozenset(Actor(role, party.structure) for role, party in self.parties.items())

    @property
    def receivers(self) -> frozenset[Actor]:
        """Actors who have received the piece, to act on it or for information."""
        return frozenset(actor for actor in self.viewers if actor.role in self.received_in)

    @property
    def awaits(self) -> frozenset[Actor]:
        """Actors whom the piece awaits now.

        `whole` is enough: `reported` hides no awaited actor of the supplier's side.
        """
        awaited = self.whole.awaited
        if awaited is None or awaited.held:
            return frozenset()
        return frozenset(awaited.actors) & self.viewers


@dataclass(frozen=True, slots=True)
class MarkedPiece:
    """A piece with its mark: its place among those that its viewers read forward."""

    mark: int
    piece: Piece


def _count(amounts: Amounts, *, is_avoir: bool) -> Counted:
    if is_avoir and amounts.ttc >= 0:
        amounts = Amounts(ht=-amounts.ht, tva=-amounts.tva, ttc=-amounts.ttc, due=-amounts.due)
    return Counted(amounts, is_avoir=is_avoir or amounts.ttc < 0)


def sees_reported(role: Role) -> bool:
    """Tell whether a role sees the state for the supplier's side."""
    return role in SUPPLIER_SIDE
