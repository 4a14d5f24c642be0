"""Delays: how many days the actor awaited has, and the effect when they have passed."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Self

from shared.vocabulary.cadres import Cadre
from shared.vocabulary.dates import compute_end_of_day, compute_start_of_day, find_paris_day
from shared.vocabulary.roles import Role
from shared.vocabulary.statuses import Status


class Start(StrEnum):
    """Moment from which a delay starts."""

    AWAITED = "attente"
    """The piece was forwarded to the actor awaited."""
    RECEPTION = "reception"
    """A piece of the dossier first reached one of RECEIVERS."""
    ARRIVAL = "arrivee"
    """The piece reached the actor awaited; a suspension does not start the delay again."""


class Effect(StrEnum):
    """Effect of a delay that has passed."""

    SIGNAL = "signaler"
    """The parties are notified; nothing changes."""
    VALIDATE = "valider"
    """The silence validates the piece, which goes on to its recipient."""
    OFFER = "offrir"
    """The tacit procedure is open: another piece may replace the one without an answer."""
    CONCLUDE = "conclure"
    """The silence accepts the piece: its tacit followers, by the table, may be deposited."""


RECEIVERS = frozenset({Role.MOE, Role.MOA, Role.SERVICE_FINANCIER})
"""Roles whose reception starts the delays of a dossier: not a titulaire that validates."""

CONCLUDED = Status.A_ASSOCIER_FOURNISSEUR
"""Status of a piece accepted by silence, whoever may conclude it: the portal has no status for a
piece that awaits a décompte général et définitif tacite."""


@dataclass(frozen=True, slots=True)
class Delay:
    """Delay of the actor awaited on a piece, in calendar days."""

    name: str
    label: str
    cadres: frozenset[Cadre]
    role: Role
    days: int
    start: Start
    effect: Effect
    source: str

    def derogate(self, days: Mapping[str, int]) -> Self:
        """Apply the days of the delays from which a marché derogates, by name."""
        return replace(self, days=days.get(self.name, self.days))

    def compute_due(self, start: datetime) -> datetime:
        """Compute the deadline, in UTC, of a delay that starts at `start`.

        It is the end of a day in Paris: the one that comes `days` calendar days after the day of
        `start` (our rule).
        """
        return compute_end_of_day(find_paris_day(start) + timedelta(days=self.days))


def compute_reminder(now: datetime, due: datetime, days: int) -> datetime | None:
    """Compute the moment of a reminder: a day begins in Paris, `days` days before the last one.

    Where `days` or fewer are left now, half of them are left then. None on the last day (our rule).
    """
    last = find_paris_day(due) - timedelta(days=1)
    left = (last - find_paris_day(now)).days
    if left <= 0:
        return None
    return compute_start_of_day(last - timedelta(days=days if left > days else left // 2))
