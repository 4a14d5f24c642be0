"""Visibility of statuses: what a role may see of a piece."""

from shared.vocabulary.roles import SUPPLIER_SIDE, Role
from shared.vocabulary.statuses import Status


def is_visible_to(role: Role, status: Status, *, payment_not_reported: bool) -> bool:
    """Tell whether a role may see a status.

    `payment_not_reported` is the parameter "mise en paiement non remontée" of the service
    financier: it hides MISE_EN_PAIEMENT from the supplier's side, in every view and channel.
    """
    is_hidden = payment_not_reported and status is Status.MISE_EN_PAIEMENT
    return not (is_hidden and role in SUPPLIER_SIDE)


def may_know_delay(role: Role, awaited: Role, *, payment_not_reported: bool) -> bool:
    """Tell whether a role may know that the delay of an awaited role ends, or has passed.

    Whether the delay of a service financier passes tells whether it has paid.
    """
    return awaited is not Role.SERVICE_FINANCIER or is_visible_to(
        role, Status.MISE_EN_PAIEMENT, payment_not_reported=payment_not_reported
    )
