"""Search criteria of portal: each of them alone."""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal

from services.portal.domain.criteria import Criteria, Place, Range
from shared.circuit.applications import ListedApplication
from shared.circuit.parties import Party
from shared.vocabulary.roles import Role
from shared.vocabulary.statuses import Status
from tests.kit.states import NOON

DAYS = Range(date(2026, 1, 1), date(2026, 12, 31))
SUMS = Range(Decimal(-1), Decimal(1))
PLACE = Place(NOON, "p")
PARTIES = {
    f"{role}{with_service}": Criteria(parties={role: Party("s", service)})
    for role in Role
    for with_service, service in (("", None), (" with its service", "A"))
}
ALONE: Mapping[str, Criteria] = {
    "none": Criteria(),
    "dossier": Criteria(dossier="d"),
    "number": Criteria(number="n"),
    "number_prefix": Criteria(number_prefix="n"),
    "issued": Criteria(issued=DAYS),
    "deposited": Criteria(deposited=DAYS),
    "ht": Criteria(ht=SUMS),
    "ttc": Criteria(ttc=SUMS),
    "due": Criteria(due=SUMS),
    "currency": Criteria(currency="EUR"),
    "statuses": Criteria(statuses=frozenset({Status.DEPOSEE})),
    "several statuses": Criteria(statuses=frozenset({Status.DEPOSEE, Status.SUSPENDUE})),
    "cadres": Criteria(cadres=frozenset({"A4"})),
    "several cadres": Criteria(cadres=frozenset({"A4", "A7"})),
    "marche": Criteria(marche="m"),
    "engagement": Criteria(engagement="e"),
    **PARTIES,
    "depositor": Criteria(depositor=Role.MOE),
    "awaits_me": Criteria(awaits_me=True),
    "received": Criteria(received=True),
    "closed": Criteria(closed=False),
    "application": Criteria(application=ListedApplication.FACTURES_DE_TRAVAUX),
    "what is received": Criteria(application=ListedApplication.FACTURES_RECUES),
}
