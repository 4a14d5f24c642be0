"""The store that stands in for MongoDB: one transaction's long statement does not stop another."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from secantus.transactions import Transaction, TransactionRegistry, TxnState

from deploy.local.secantus_server import replace_reaper

_LIFETIME_S = 60.0


@pytest.fixture
def seconds() -> list[float]:
    """The clock of the registry: the one number of this list."""
    return [1000.0]


@pytest.fixture
def registry(monkeypatch: pytest.MonkeyPatch, seconds: list[float]) -> TransactionRegistry:
    name = "_prune_locked"
    monkeypatch.setattr(TransactionRegistry, name, vars(TransactionRegistry)[name])
    replace_reaper()
    return TransactionRegistry(lifetime_seconds=_LIFETIME_S, time_func=lambda: seconds[0])


def _begin(registry: TransactionRegistry, session: bytes) -> Transaction:
    transaction, error = registry.for_statement(session, None, 1, start=True)
    assert error is None
    assert transaction is not None
    return transaction


def test_a_statement_starts_while_another_transaction_runs_one(
    registry: TransactionRegistry,
) -> None:
    long = _begin(registry, b"long")
    with ThreadPoolExecutor(1) as other, long.mutex:
        other.submit(_begin, registry, b"short").result(timeout=10)


def test_only_a_transaction_that_is_idle_for_too_long_is_aborted(
    registry: TransactionRegistry, seconds: list[float]
) -> None:
    idle, running = _begin(registry, b"idle"), _begin(registry, b"running")
    seconds[0] += _LIFETIME_S + 1
    with ThreadPoolExecutor(1) as other, running.mutex:
        assert other.submit(registry.prune_expired).result(timeout=10) == 1
    assert idle.state is TxnState.ABORTED
    assert running.state is TxnState.IN_PROGRESS
