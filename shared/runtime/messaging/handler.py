"""Handler: the function by which a service applies a batch of events."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from shared.contracts.envelope import Event
from shared.runtime.store.database import Transaction

Handler = Callable[[Transaction, Sequence[Event[Any]]], Awaitable[None]]
"""Carries out the effects of a batch of events in the given transaction.

It may run again for the same events: its effects are those of its transaction alone.
"""
