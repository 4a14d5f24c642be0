"""A status in the history of a dossier, and who may see it."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from shared.circuit.visibility import is_visible_to
from shared.vocabulary.actors import Actor
from shared.vocabulary.roles import Role
from shared.vocabulary.statuses import Status


@dataclass(frozen=True, slots=True)
class Entry:
    """A status that a piece took."""

    sequence: int
    """Rank among all the statuses of the dossier, from 1."""
    dossier_id: str
    piece_id: str
    cadre: str
    number: str
    status: Status
    at: datetime
    parties: frozenset[Actor]
    """Parties of the dossier at that moment."""
    by: Actor | None = None
    """Who acted; None when the platform did."""
    motive: str | None = None
    comment: str | None = None
    payment_not_reported: bool = False
    marche: str | None = None
    """Number of the marché, as the piece that opened the dossier states it."""

    def has_party(self, viewer: Actor) -> bool:
        """Tell whether a viewer is a party, for the service to which it is limited."""
        return any(
            viewer.whole == party.whole and viewer.covers_service(party.service)
            for party in self.parties
        )


def filter_visible(entries: Iterable[Entry], role: Role) -> tuple[Entry, ...]:
    """Remove the statuses that a role may not see."""
    return tuple(
        entry
        for entry in entries
        if is_visible_to(role, entry.status, payment_not_reported=entry.payment_not_reported)
    )
