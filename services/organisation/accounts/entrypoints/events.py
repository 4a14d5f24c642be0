"""Consumer of the requests for activation links, which support publishes."""

from collections.abc import Callable, Sequence

from services.organisation.accounts.application.activations import Activations
from services.organisation.accounts.application.ports import AccountChange
from shared.contracts.envelope import Event
from shared.contracts.support_v1 import ActivationLinkRequested
from shared.runtime.messaging.handler import Handler
from shared.runtime.store.database import Transaction


def build_activations_handler(
    activations: Activations, join: Callable[[Transaction], AccountChange]
) -> Handler:
    """Build the handler that sends activation links."""

    async def send_links(
        transaction: Transaction, events: Sequence[Event[ActivationLinkRequested]]
    ) -> None:
        change = join(transaction)
        for event in events:
            asked = event.data
            await activations.send(change, asked.request, asked.email, asked.requested_at)

    return send_links
