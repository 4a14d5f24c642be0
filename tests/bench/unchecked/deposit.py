"""Deposit that lets everybody in as they say: what the check of tokens costs is measured by it.

Loopback only, as every service is by default.
"""

from datetime import UTC, datetime
from importlib import import_module

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from shared.rights.model import PrincipalKind, Requester
from shared.runtime.service import run
from shared.runtime.web.caller import REQUESTER
from shared.runtime.web.choices import read_choice
from shared.runtime.web.paths import PathPrefixes

_ENDS = datetime(2099, 1, 1, tzinfo=UTC)


class UncheckedMiddleware:
    """Puts the requester that the headers of choice name into the scope."""

    def __init__(self, app: ASGIApp, *, exempt: PathPrefixes, **_: object) -> None:
        """Wrap `app`, as the access middleware does."""
        self._app = app
        self._exempt = exempt

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request in."""
        if scope["type"] == "http" and not self._exempt.match(scope["path"]):
            choice = read_choice(Headers(scope=scope))
            scope[REQUESTER] = Requester(
                user=None,
                kind=PrincipalKind.USER,
                name="",
                email=None,
                issuer="",
                token="",
                expires_at=_ENDS,
                structure=choice.structure,
                role=choice.role,
                service=choice.service,
            )
        await self._app(scope, receive, send)


if __name__ == "__main__":
    # Before the service is built: it takes the middleware from there.
    import_module("shared.runtime.web.app").AccessMiddleware = UncheckedMiddleware  # type: ignore[attr-defined]
    run("deposit", import_module("services.deposit.bootstrap").build)
