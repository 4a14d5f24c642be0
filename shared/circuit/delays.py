"""Delays: how many days the one awaited has, and the effect when they have passed."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from shared.vocabulary.cadres import Cadre
from shared.vocabulary.dates import end_of_day, paris_day
from shared.vocabulary.roles import Role
from shared.vocabulary.statuses import Status


class Start(StrEnum):
    """The moment that a delay starts from."""

    AWAITED = "attente"
    """The moment at which the piece was put before the one awaited."""
    RECEPTION = "reception"
    """The moment at which a piece of the dossier first reached one of RECEIVERS."""


class Effect(StrEnum):
    """The effect of a delay that has passed."""

    SIGNAL = "signaler"
    """Those who take part are told; nothing changes."""
    VALIDATE = "valider"
    """Silence validates the piece, which goes on to its recipient."""
    OFFER = "offrir"
    """The tacit procedure is open: a piece may take the place of the one awaited."""
    CONCLUDE = "conclure"
    """Silence accepts the piece: what the table calls its tacit followers may be deposited."""


RECEIVERS = frozenset({Role.MOE, Role.MOA, Role.SERVICE_FINANCIER})
"""Those whose reception starts the delays of a dossier: a titulaire that validates does not."""

CONCLUDED = Status.A_ASSOCIER_FOURNISSEUR
"""The status of a piece accepted by silence, whoever may conclude it: the portal has none of its
own for a piece that awaits a décompte général et définitif tacite."""


@dataclass(frozen=True, slots=True)
class Delay:
    """The delay of one awaited on a piece, in calendar days."""

    name: str
    label: str
    cadres: frozenset[Cadre]
    role: Role
    days: int
    start: Start
    effect: Effect
    source: str

    def due(self, start: datetime) -> datetime:
        """Give the deadline of a delay that starts at a moment, in UTC.

        Days are counted from the day after, in Paris, to the end of the last one (ours).
        """
        return end_of_day(paris_day(start) + timedelta(days=self.days))
