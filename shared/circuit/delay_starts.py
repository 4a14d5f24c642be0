"""Starts of delays: which moments a source names as the start of a delay, and whose delay it is.

Sources do not agree on which moment starts the payment delay, so all are shown, as indications.
"""

import csv
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from pathlib import Path

from shared.circuit.delays import Delay
from shared.circuit.table import Circuit
from shared.vocabulary.cadres import Cadre
from shared.vocabulary.roles import Role

NOTICE = (
    "Ces dates sont données à titre indicatif : la plateforme ne calcule pas le délai global de "
    "paiement, dont les sources ne fixent pas toutes le départ au même moment, et une suspension "
    "ne l'arrête pas."
)


class StartMoment(StrEnum):
    """Moment of the life of a piece from which a source makes a delay run."""

    DEPOSIT = "depot"
    MOE_RECEPTION = "reception_moe"
    MOA_RECEPTION = "reception_moa"
    PAYER_RECEPTION = "reception_service_financier"
    SERVICE_FAIT = "service_fait"


RECEPTIONS = {
    Role.MOE: StartMoment.MOE_RECEPTION,
    Role.MOA: StartMoment.MOA_RECEPTION,
    Role.SERVICE_FINANCIER: StartMoment.PAYER_RECEPTION,
}
"""Moment at which each role receives a piece; the reception by any other starts no delay."""


@dataclass(frozen=True, slots=True)
class StartedDelay:
    """A delay that a source makes run from a moment, and whose it is."""

    moment: StartMoment
    label: str
    """Name of the moment."""
    delay: str
    """Name of the delay, as in the table of delays."""
    role: Role
    """Role whose delay it is."""
    source: str

    def find_delay(self, circuit: Circuit, cadre: Cadre) -> Delay | None:
        """Find the delay in a circuit; None when the role has none on the cadre.

        The payment delay runs from pieces that others receive first, so it is found by its name.
        """
        if self.role is Role.SERVICE_FINANCIER:
            found = (each for each in circuit.delays if each.name == self.delay)
            return next(found, None)
        delay = circuit.find_delay(cadre, self.role)
        return delay if delay and delay.name == self.delay else None


@cache
def list_started_delays(moment: StartMoment) -> tuple[StartedDelay, ...]:
    """List the delays that start at a moment, by the table."""
    path = Path(__file__).parent / "tables" / "departs.csv"
    with path.open(encoding="utf-8", newline="") as lines:
        rows = [
            StartedDelay(
                StartMoment(row["moment"]),
                row["libelle"],
                row["delai"],
                Role(row["acteur"]),
                row["source"],
            )
            for row in csv.DictReader(lines, delimiter=";")
        ]
    return tuple(row for row in rows if row.moment is moment)
