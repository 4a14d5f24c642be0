"""All preparations: importing the modules that hold them registers them."""

from tests.authz.requests import (
    PREPARATIONS,
    accounts,
    limits,
    machines,
    marches,
    organisation,
    pieces,
    subscriptions,
    support,
)

__all__ = [
    "PREPARATIONS",
    "accounts",
    "limits",
    "machines",
    "marches",
    "organisation",
    "pieces",
    "subscriptions",
    "support",
]
