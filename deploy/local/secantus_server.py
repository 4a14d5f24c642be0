"""SecantusDB server that stands in for MongoDB on this machine, with two settings of our own.

python -m deploy.local.secantus_server <the options of secantusd-py>

SecantusDB aborts idle transactions under the one lock that every statement of a transaction needs,
and waits there for the statement that each transaction runs: one long update stops all others,
for tens of seconds on a busy machine. Here a transaction that runs a statement is not idle.
"""

import sys
from typing import Any

from secantus.cli import main
from secantus.transactions import TransactionRegistry, TxnState

_SWITCH_S = 0.0005
"""Switch interval of threads, in seconds. An update calls the storage engine for each entry of each
index, and waits a whole interval after each call while another thread computes."""


def abort_idle(registry: Any) -> int:  # noqa: ANN401 - the library has no types
    """Abort the idle transactions of a registry whose lock is held; return their number."""
    cutoff = registry._time() - registry._lifetime  # noqa: SLF001 - a method of the class
    aborted = 0
    for transaction in registry._txns.values():  # noqa: SLF001
        if not transaction.mutex.acquire(blocking=False):
            continue
        try:
            if transaction.state is TxnState.IN_PROGRESS and transaction.last_use < cutoff:
                registry._rollback_quietly(transaction)  # noqa: SLF001
                transaction.state = TxnState.ABORTED
                aborted += 1
        finally:
            transaction.mutex.release()
    return aborted


def replace_reaper() -> None:
    """Replace the method that aborts idle transactions. Raises AttributeError when it has gone."""
    TransactionRegistry._prune_locked  # noqa: B018, SLF001 - another version may not have it
    TransactionRegistry._prune_locked = abort_idle  # noqa: SLF001


if __name__ == "__main__":
    replace_reaper()
    sys.setswitchinterval(_SWITCH_S)
    sys.exit(main())
