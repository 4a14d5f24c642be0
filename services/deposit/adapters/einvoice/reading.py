"""Recognises a deposited file by its content and reads it into an `Invoice`."""

from services.deposit.adapters.einvoice.limits import DEFAULT_LIMITS, Limits
from services.deposit.domain.invoice import Invoice


def read_einvoice(content: bytes, name: str, limits: Limits = DEFAULT_LIMITS) -> Invoice:
    """Read the invoice in `content`; `name` is only for messages.

    A PDF without an embedded invoice gives an `Invoice` with syntax PDF and no field.
    Raises `Unreadable` when there is nothing to judge.
    """
    raise NotImplementedError
