"""A replica that only relays, and that freezes itself where it is told to.

python -m tests.integration.runtime.replica SETTINGS LEASE_S AHEAD_S: commands come on its stdin.
"""

import asyncio
import os
import signal
import sys
from collections.abc import Awaitable, Sequence

from shared.runtime.clock import build_clock
from shared.runtime.logs import configure_logging
from shared.runtime.messaging.broker import Broker
from shared.runtime.messaging.outbox import Relay
from shared.runtime.settings import RuntimeSettings
from shared.runtime.store import lease
from shared.runtime.store.database import Document, Store

HELD = {"read": 0, "handed": 3}
"""Where it may freeze: messages of a page that its producer holds and has not sent."""


class FreezingBroker(Broker):
    """Stops its own process with a page in its hands: nothing of it handed over, or some."""

    freezes_with: int | None = None
    _pending: Sequence[asyncio.Future[object]] = ()

    async def publish(self, message: Document) -> Awaitable[object]:
        """Hand a message over, unless it is time to freeze."""
        self._pending = [each for each in self._pending if not each.done()]
        if self.freezes_with is not None and len(self._pending) >= self.freezes_with:
            self.freezes_with = None
            print("freezing", flush=True)
            os.kill(os.getpid(), signal.SIGSTOP)
        acknowledged = asyncio.ensure_future(await super().publish(message))
        self._pending = [*self._pending, acknowledged]
        return acknowledged


async def run(settings: RuntimeSettings, ahead_s: int) -> None:
    """Relay until stdin ends, and freeze when it says where."""
    clock = build_clock(ahead_s)
    async with Store(settings.mongo, "essai", clock, settings.namespace) as store:
        broker = FreezingBroker("essai", settings)
        await broker.start()
        relay = Relay(store, broker)
        print(f"holder {relay._lease._holder}", flush=True)  # noqa: SLF001 - it names the lease's
        running = asyncio.create_task(relay.run())
        while point := (await asyncio.to_thread(sys.stdin.readline)).strip():
            broker.freezes_with = HELD[point]
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        await broker.stop()


def main() -> None:
    """Run one."""
    settings, lease_s, ahead_s = sys.argv[1:]
    lease._LEASE_S = float(lease_s)  # noqa: SLF001 - a freeze need not last 5 s
    configure_logging("essai", "INFO")
    with asyncio.Runner() as runner:
        runner.run(run(RuntimeSettings.model_validate_json(settings), int(ahead_s)))


if __name__ == "__main__":
    main()
