"""Delays: how many days the actor awaited has, and the effect when they have passed."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from shared.vocabulary.cadres import Cadre
from shared.vocabulary.dates import compute_end_of_day, find_paris_day
from shared.vocabulary.roles import Role
from shared.vocabulary.statuses import Status


class Start(StrEnum):
    """Moment from which a delay starts."""

    AWAITED = "attente"
    """The piece was forwarded to the actor awaited."""
    RECEPTION = "reception"
    """A piece of the dossier first reached one of RECEIVERS."""


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

    def compute_due(self, start: datetime) -> datetime:
        """Compute the deadline, in UTC, of a delay that starts at `start`.

        It is the end of a day in Paris: the one that comes `days` calendar days after the day of
        `start` (our rule).
        """
        return compute_end_of_day(find_paris_day(start) + timedelta(days=self.days))
