"""OpenAPI of webhooks: what receivers are sent, beside what callers may ask."""

from typing import Annotated, Any

from fastapi import FastAPI, Header, Response
from pydantic import BaseModel

from shared.runtime.web.request_validation import DescribedRoute

_FAILED: dict[int | str, dict[str, Any]] = {
    "default": {
        "description": "Un échec : le message est envoyé de nouveau plus tard, une redirection "
        "n'est pas suivie, et 410 désactive l'abonnement."
    }
}
_Id = Annotated[str, Header(description="Le même à chaque tentative, renvoi ou reprise.")]
_Timestamp = Annotated[str, Header(description="Le moment de la tentative, en secondes Unix.")]
_Signature = Annotated[
    str, Header(description="Standard Webhooks : « v1,… » par secret, séparés par une espace.")
]


def describe_webhooks(app: FastAPI, status: type[BaseModel], test: type[BaseModel]) -> None:
    """Describe the messages of webhooks, a status and a test, in the OpenAPI document."""
    app.webhooks.route_class = DescribedRoute

    async def receive_status(
        body: status,  # type: ignore[valid-type]
        webhook_id: _Id,
        webhook_timestamp: _Timestamp,
        webhook_signature: _Signature,
    ) -> None: ...

    async def receive_test(
        body: test,  # type: ignore[valid-type]
        webhook_id: _Id,
        webhook_timestamp: _Timestamp,
        webhook_signature: _Signature,
    ) -> None: ...

    for name, receive, summary in (
        ("statut", receive_status, "Une pièce a changé de statut."),
        ("essai", receive_test, "Un essai, demandé par l'abonné : il n'annonce aucun statut."),
    ):
        app.webhooks.add_api_route(
            name,
            receive,
            methods=["POST"],
            status_code=204,
            response_class=Response,
            response_description="Reçu : tout 2xx, dans les dix secondes.",
            responses=_FAILED,
            summary=summary,
            operation_id=receive.__name__,
            tags=["webhooks"],
        )
