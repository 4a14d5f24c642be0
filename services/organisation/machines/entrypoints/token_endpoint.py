"""Token endpoint of machines (RFC 6749, client credentials), and the JWKS of the platform.

Answers of the token endpoint are those of RFC 6749, not problem details: libraries read them.
"""

from collections.abc import Callable, Coroutine, Mapping
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute
from prometheus_client import Counter

from services.organisation.machines.application.tokens import (
    Issued,
    TokenIssuer,
    TooManyFailures,
)
from services.organisation.machines.domain.token_requests import TokenErrorCode, TokenRefusal
from services.organisation.machines.entrypoints.answers import (
    KeySetAnswer,
    TokenAnswer,
    TokenErrorAnswer,
)
from services.organisation.machines.entrypoints.credentials import FORM, read_token_request
from shared.runtime.web.addresses import read_address
from shared.runtime.web.request_validation import DescribedRoute

TOKENS = Counter(
    "aiguillage_machine_tokens_total", "Tokens of machines issued, or refused", ["outcome"]
)
_KEYS_KEPT_S = 60
"""Time for which a cache may keep the JWKS, in seconds: below that of the services, 300."""
_RETRY_AFTER_S = 600
"""Time after which a client with too many failures may try again, in seconds."""
_NOT_KEPT = {"Cache-Control": "no-store", "Pragma": "no-cache"}
_STATUSES = {
    TokenErrorCode.INVALID_CLIENT: 401,
    TokenErrorCode.TEMPORARILY_UNAVAILABLE: 503,
}
_LIMITED = 429
_TOO_MANY = "Trop d'essais avec un mauvais secret : attendre dix minutes."
_CHALLENGE = {"WWW-Authenticate": 'Basic realm="aiguillage", charset="UTF-8"'}


class TokenRoute(DescribedRoute):
    """Route of the token endpoint: it reads its form itself, to answer faults as RFC 6749 does."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return the framework's handler, without the check of the description."""
        return APIRoute.get_route_handler(self)


_DESCRIBED = {
    "requestBody": {
        "required": True,
        "content": {
            FORM: {
                "schema": {
                    "type": "object",
                    "required": ["grant_type"],
                    "properties": {
                        "grant_type": {"type": "string", "enum": ["client_credentials"]},
                        "scope": {
                            "type": "string",
                            "description": "Les portées voulues ; sans lui, toutes.",
                        },
                        "client_id": {"type": "string"},
                        "client_secret": {
                            "type": "string",
                            "description": "Avec client_id, à la place de l'en-tête Basic.",
                        },
                    },
                }
            }
        },
    }
}


def create_token_router(issuer: TokenIssuer, key_set: Mapping[str, Any]) -> APIRouter:
    """Build the routes; `key_set` is the JWKS."""
    router = APIRouter(route_class=TokenRoute, tags=["jetons"])

    @router.post(
        "/oauth/token",
        summary="Obtenir un jeton de machine (RFC 6749, client_credentials).",
        description="Le client s'authentifie par l'en-tête Basic, ou par `client_id` et "
        "`client_secret` en champs. Le jeton vaut cinq minutes, pour l'audience `aiguillage`.",
        response_model=TokenAnswer,
        responses={
            400: {"model": TokenErrorAnswer},
            401: {"model": TokenErrorAnswer},
            429: {"model": TokenErrorAnswer},
            503: {"model": TokenErrorAnswer},
        },
        openapi_extra=_DESCRIBED,
    )
    async def issue_token(request: Request) -> Response:
        asked = read_token_request(
            request.headers.get("content-type", ""),
            await request.body(),
            request.headers.getlist("authorization"),
        )
        if isinstance(asked, TokenRefusal):
            return _answer_refusal(asked)
        issued = await issuer.issue(asked.credentials, asked.scope, read_address(request))
        match issued:
            case Issued():
                TOKENS.labels("issued").inc()
                answer = TokenAnswer.of(issued)
                return JSONResponse(answer.model_dump(mode="json"), headers=_NOT_KEPT)
            case TooManyFailures():
                refusal = TokenRefusal(TokenErrorCode.TEMPORARILY_UNAVAILABLE, _TOO_MANY)
                return _answer_refusal(refusal, _LIMITED, {"Retry-After": str(_RETRY_AFTER_S)})
            case TokenRefusal():
                return _answer_refusal(issued)

    @router.get("/jwks", summary="Les clés publiques des jetons de machines (RFC 7517).")
    async def read_key_set(response: Response) -> KeySetAnswer:
        response.headers["Cache-Control"] = f"public, max-age={_KEYS_KEPT_S}"
        return KeySetAnswer.model_validate(key_set)

    return router


def _answer_refusal(
    refusal: TokenRefusal, status: int | None = None, headers: Mapping[str, str] | None = None
) -> Response:
    status = status or _STATUSES.get(refusal.code, 400)
    TOKENS.labels("limited" if status == _LIMITED else refusal.code.value).inc()
    challenge = _CHALLENGE if refusal.code is TokenErrorCode.INVALID_CLIENT else {}
    answer = TokenErrorAnswer(error=refusal.code, error_description=refusal.description)
    return JSONResponse(
        answer.model_dump(mode="json"), status, {**_NOT_KEPT, **challenge, **(headers or {})}
    )
