"""Requests of notification about subscriptions, and the pages of the links of mails.

No status is of the marché that they name: nothing is sent to them but tests, by mail.
"""

from tests.authz.callers import CallerKind
from tests.authz.people import MEMBERS
from tests.authz.requests import Prepare, prepares
from tests.authz.scene import Json, Request, Scene

_ROLE = "titulaire"
_ONE = "/subscriptions/{subscription_id}"
_MARCHE = "AUCUNE-PIECE"
_WEBHOOK = {
    "channel": "webhook",
    "url": "https://si.droits.example/statuts",
    "contact": "exploitation@droits.example",
    "marche": _MARCHE,
}
# The token of the main manager attests this address: it is active at once.
_MAIL = {
    "channel": "mail",
    "address": MEMBERS[CallerKind.MAIN_MANAGER].name,
    "marche": _MARCHE,
}
_PERIOD = {"since": "2026-01-01T00:00:00Z", "before": "2026-01-02T00:00:00Z"}


async def _subscribe(scene: Scene, body: Json) -> Json:
    """Subscribe as the main manager."""
    return await scene.do(_ROLE, "POST", "notification/subscriptions", json=body)


async def _share(scene: Scene, body: Json) -> Json:
    """Subscribe once by each channel: a structure has few subscriptions."""
    return await scene.once(f"subscribed by {body['channel']}", lambda: _subscribe(scene, body))


def _of_shared(body: Json, **content: Json) -> Prepare:
    async def prepare(scene: Scene) -> Request:
        found = await _share(scene, body)
        return Request({"subscription_id": found["subscription_id"]}, content=content)

    return prepare


async def _test(scene: Scene) -> Json:
    own = await _share(scene, _MAIL)
    path = f"notification/subscriptions/{own['subscription_id']}/test"
    sent = await scene.do(_ROLE, "POST", path)
    return {"subscription_id": own["subscription_id"], "delivery_id": sent["delivery_id"]}


@prepares("notification", "POST", "/subscriptions", _ROLE)
async def _create(_: Scene) -> Request:
    return Request(content={"json": _WEBHOOK})


@prepares("notification", "DELETE", _ONE, _ROLE)
async def _delete(scene: Scene) -> Request:
    made = await _subscribe(scene, _WEBHOOK)
    return Request({"subscription_id": made["subscription_id"]})


@prepares("notification", "POST", f"{_ONE}/deliveries/{{delivery_id}}/resend", _ROLE)
async def _resend(scene: Scene) -> Request:
    return Request(await scene.once("tested", lambda: _test(scene)))


for _method, _path, _body, _content in (
    ("GET", "/subscriptions", _MAIL, {}),
    ("GET", _ONE, _MAIL, {}),
    ("PATCH", _ONE, _MAIL, {"json": {"cadres": ["A4"]}}),
    ("POST", f"{_ONE}/secrets", _WEBHOOK, {"json": {}}),
    ("POST", f"{_ONE}/test", _MAIL, {}),
    ("GET", f"{_ONE}/deliveries", _MAIL, {}),
    ("POST", f"{_ONE}/replays", _MAIL, {"json": _PERIOD}),
):
    prepares("notification", _method, _path, _ROLE)(_of_shared(_body, **_content))


async def _open_link(_: Scene) -> Request:
    return Request({"token": "rien"})


for _path in ("/confirmations/{token}", "/unsubscriptions/{token}"):
    for _method in ("GET", "POST"):
        prepares("notification", _method, _path)(_open_link)
