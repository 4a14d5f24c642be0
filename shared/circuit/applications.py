"""Applications of the portal: in which one a party of a dossier finds a piece."""

from enum import StrEnum
from functools import cache

from shared.circuit.loader import list_versions, load_version
from shared.circuit.table import find_application
from shared.vocabulary.cadres import Cadre
from shared.vocabulary.roles import Application, Role


class ListedApplication(StrEnum):
    """Application of the portal whose pieces are listed."""

    FACTURES_EMISES = "factures_emises"
    FACTURES_DE_TRAVAUX = "factures_de_travaux"
    FACTURES_RECUES = "factures_recues"


@cache
def list_cadres_in(application: ListedApplication, role: Role) -> frozenset[Cadre]:
    """List the cadres whose pieces a role finds in an application, by every version of the circuit.

    The service financier finds all that it receives in its factures reçues. Any other role finds a
    piece where its depositor does: an A1 in factures émises, and nowhere in factures de travaux.
    """
    rows = [row for name in list_versions() for row in load_version(name).rows]
    received = find_application(role)
    if received is Application.FACTURES_RECUES:
        return frozenset(row.cadre for row in rows if application.value == received.value)
    sent = application.value
    return frozenset(row.cadre for row in rows if row.depositor_application.value == sent)
