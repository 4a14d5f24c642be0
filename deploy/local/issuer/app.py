"""Routes of the development issuer: discovery, JWKS, tokens by password and signed userinfo."""

from collections.abc import Mapping
from urllib.parse import parse_qsl

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from deploy.local.issuer.keys import ALGORITHM, build_key_set
from deploy.local.issuer.tokens import AUDIENCE, LIFE_S, build_claims, sign_claims
from shared.runtime.clock import Clock

_OPTIONAL = ("siret", "name", "acr")
"""Parameters of the token endpoint that become claims of the token."""


def create_issuer(url: str, key: ECKey, clock: Clock) -> Starlette:
    """Create the application of an issuer, which any password satisfies."""

    async def describe(_: Request) -> Response:
        return JSONResponse(_describe(url))

    async def list_keys(_: Request) -> Response:
        return JSONResponse(build_key_set(key))

    async def issue(request: Request) -> Response:
        form = dict(parse_qsl((await request.body()).decode("utf-8", "replace")))
        return _issue(form, url, key, clock)

    async def tell_user(request: Request) -> Response:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        try:
            claims = jwt.decode(token, key, algorithms=[ALGORITHM]).claims
        except (JoseError, ValueError):
            return Response(status_code=401, headers={"WWW-Authenticate": 'Bearer realm="dev"'})
        if scheme.lower() != "bearer" or claims["exp"] <= clock().timestamp():
            return Response(status_code=401, headers={"WWW-Authenticate": 'Bearer realm="dev"'})
        return Response(sign_claims(claims, key), media_type="application/jwt")

    return Starlette(
        routes=[
            Route("/.well-known/openid-configuration", describe),
            Route("/jwks", list_keys),
            Route("/token", issue, methods=["POST"]),
            Route("/userinfo", tell_user),
        ]
    )


def _describe(url: str) -> dict[str, object]:
    return {
        "issuer": url,
        "jwks_uri": f"{url}/jwks",
        "token_endpoint": f"{url}/token",
        "userinfo_endpoint": f"{url}/userinfo",
        "grant_types_supported": ["password"],
        "response_types_supported": [],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": [ALGORITHM],
        "userinfo_signing_alg_values_supported": [ALGORITHM],
        "claims_supported": ["sub", "email", "email_verified", *_OPTIONAL],
    }


def _issue(form: Mapping[str, str], url: str, key: ECKey, clock: Clock) -> Response:
    """Answer the request of a token, as RFC 6749 says."""
    if form.get("grant_type") != "password":
        return _refuse("unsupported_grant_type", "grant_type must be password")
    if "@" not in (email := form.get("username", "")):
        return _refuse("invalid_request", "username must be an e-mail address")
    chosen = {name: form.get(name) for name in _OPTIONAL}
    token = sign_claims(build_claims(url, email, clock, **chosen), key)
    answer = {"access_token": token, "token_type": "Bearer", "expires_in": LIFE_S}
    return JSONResponse(answer | {"scope": AUDIENCE}, headers={"Cache-Control": "no-store"})


def _refuse(error: str, description: str) -> Response:
    return JSONResponse({"error": error, "error_description": description}, status_code=400)
