"""HTML pages of the links of mails: confirm an address, unsubscribe.

Reading a page changes nothing, since programs that check mails follow their links; its button
does. A mail reader may unsubscribe by itself, with one POST (RFC 8058).
"""

import base64
import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter
from fastapi import Path as PathParameter
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from services.notification.subscriptions.application.book import Done, Outcome, SubscriptionBook
from services.notification.subscriptions.domain import rules
from services.notification.subscriptions.domain.subscription import State
from shared.contracts.texts import TypedText
from shared.runtime.web.problems import MEDIA_TYPE
from shared.runtime.web.request_validation import DescribedRoute

_STYLE = (
    "body{font:1.1rem/1.5 sans-serif;margin:0;background:#f6f6f6;color:#161616}"
    "main{max-width:36rem;margin:10vh auto;padding:2rem;background:#fff}"
    "h1{font-size:1.5rem;margin-top:0}p{overflow-wrap:anywhere}"
    "button{font:inherit;padding:.5rem 1.5rem;border:0;background:#000091;color:#fff}"
)
_STYLE_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": (
        f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; form-action 'self'; "
        "base-uri 'none'; frame-ancestors 'none'"
    ),
    # The URL holds the token.
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "noindex",
}
_TEMPLATE = Environment(
    loader=FileSystemLoader(Path(__file__).parent), autoescape=True, undefined=StrictUndefined
).get_template("link.html")
_ANSWERS: dict[int | str, dict[str, Any]] = {
    404: {
        "description": "Le lien n'est pas ou plus valable.",
        "content": {
            "text/html": {"schema": {"type": "string"}},
            MEDIA_TYPE: {"schema": {"type": "object"}},
        },
    }
}
"""Answers of a page, beside the one that is usual."""
Token = Annotated[
    str, TypedText(2000), PathParameter(description="Le jeton du lien d'un courriel.")
]


@dataclass(frozen=True, slots=True)
class Page:
    """A page: what it says, and its button."""

    title: str
    text: str
    button: str | None = None
    status: int = 200


WRONG_LINK = Page(
    "Lien non valable", f"{rules.LINK_EXPIRED.sentence} {rules.LINK_EXPIRED.remedy}", status=404
)
_ENDED = Page(
    "Abonnement désactivé",
    "Cet abonnement a été désactivé entre-temps : rien ne vous sera envoyé.",
)
_UNSUBSCRIBE = Page(
    "Se désabonner",
    "Ne plus recevoir de courriels de cet abonnement aux statuts de pièces de marchés de travaux.",
    "Me désabonner",
)
_UNSUBSCRIBED = Page(
    "Désabonnement enregistré",
    "Vous ne recevrez plus de courriels de cet abonnement. Seul un utilisateur de la structure qui "
    "vous a abonné peut vous demander de confirmer de nouveau votre adresse.",
)


def render(page: Page) -> HTMLResponse:
    """Build the response of a page: no script, nothing from elsewhere, in no cache."""
    html = _TEMPLATE.render(page=page, style=_STYLE)
    return HTMLResponse(html, page.status, _HEADERS)


def create_pages_router(book: SubscriptionBook) -> APIRouter:
    """Build the routes."""
    router = APIRouter(route_class=DescribedRoute, tags=["liens des courriels"])

    @router.get(
        "/confirmations/{token}",
        summary="La page qui demande de confirmer une adresse ; la lire ne confirme rien.",
        response_class=HTMLResponse,
        responses=_ANSWERS,
    )
    async def show_confirmation(token: Token) -> HTMLResponse:
        address = book.read_confirming(token)
        return render(WRONG_LINK if address is None else _ask_to_confirm(address))

    @router.post(
        "/confirmations/{token}",
        summary="Confirmer une adresse.",
        response_class=HTMLResponse,
        responses=_ANSWERS,
    )
    async def confirm_address(token: Token) -> HTMLResponse:
        return render(_tell_confirmed(await book.confirm(token)))

    @router.get(
        "/unsubscriptions/{token}",
        summary="La page qui propose de se désabonner ; la lire ne désabonne pas.",
        response_class=HTMLResponse,
        responses=_ANSWERS,
    )
    async def show_unsubscription(token: Token) -> HTMLResponse:
        return render(_UNSUBSCRIBE if book.can_unsubscribe(token) else WRONG_LINK)

    @router.post(
        "/unsubscriptions/{token}",
        summary="Se désabonner, par le bouton de la page ou celui du logiciel de messagerie.",
        description="En un clic, selon la RFC 8058 ; le corps n'est pas lu.",
        response_class=HTMLResponse,
        responses=_ANSWERS,
    )
    async def unsubscribe_recipient(token: Token) -> HTMLResponse:
        outcome = await book.unsubscribe(token)
        return render(_UNSUBSCRIBED if isinstance(outcome, Done) else WRONG_LINK)

    return router


def _ask_to_confirm(address: str) -> Page:
    return Page(
        "Confirmer votre adresse",
        "Une structure vous propose de recevoir les statuts de pièces de marchés de travaux à "
        f"l'adresse {address}. Sans confirmation, rien n'est envoyé.",
        "Confirmer",
    )


def _tell_confirmed(outcome: Outcome) -> Page:
    match outcome:
        case Done(subscription) if subscription.state is State.DISABLED:
            return _ENDED
        case Done(subscription):
            address = subscription.terms.target
            return Page("Adresse confirmée", f"Les statuts seront envoyés à l'adresse {address}.")
        case _:
            return WRONG_LINK
