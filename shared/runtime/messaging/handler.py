"""Handler: the function by which a service applies a batch of events."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from shared.contracts.envelope import Event
from shared.runtime.store.database import Transaction

Handler = Callable[[Transaction, Sequence[Event[Any]]], Awaitable[None]]
"""Applies a batch of events in the given transaction.

It may run again for the same events, so it must have no effect outside the transaction.
"""
