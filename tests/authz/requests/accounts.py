"""Requests of organisation about accounts: users, attachments, habilitations, invitations."""

from collections.abc import Awaitable, Callable

from tests.authz.requests import Prepare, prepares
from tests.authz.scene import Json, Request, Scene
from tests.authz.structures import LAGARDE, NOBODYS, TOWN, build_siret

_USERS = "/structures/{structure_id}/attachments"
_REQUESTS = "/structures/{structure_id}/habilitation-requests"
_INVITATIONS = "/structures/{structure_id}/invitations"
_CLAIMS = "/structure-requests"
_ASKED: Json = {
    "structure_id": TOWN,
    "habilitations": [{"application": "factures_de_travaux", "level": "modification"}],
}
_APPROVED: Json = {"json": {"decision": "approuver"}}
_TOKEN: Json = {"json": {"token": "a-link-that-nobody-was-sent-0123456789abcdef"}}
_PROOF = ("kbis.pdf", b"%PDF-1.7 extrait", "application/pdf")


async def ask_to_be_attached(scene: Scene) -> Request:
    """Let somebody new ask to be attached to the town."""
    newcomer = await scene.sign_up(f"candidat{scene.number()}@droits.example")
    await newcomer.do("POST", f"organisation/structures/{TOWN}/attachments")
    return Request({"structure_id": TOWN, "user_id": newcomer.user_id})


async def attach(scene: Scene) -> Request:
    """Attach somebody new to the town, as a user."""
    request = await ask_to_be_attached(scene)
    path = f"organisation/structures/{TOWN}/attachments/{request.path['user_id']}"
    await scene.do("moa", "POST", f"{path}/decision", **_APPROVED)
    return request


async def ask_for_rights(scene: Scene) -> Request:
    """Let somebody new of the town ask for a habilitation."""
    newcomer = await scene.sign_up(f"agent{scene.number()}@droits.example")
    path = f"organisation/structures/{TOWN}/attachments"
    await newcomer.do("POST", path)
    await scene.do("moa", "POST", f"{path}/{newcomer.user_id}/decision", **_APPROVED)
    asked = await newcomer.do("POST", "organisation/me/habilitation-requests", json=_ASKED)
    return Request({"structure_id": TOWN, "request_id": asked["request_id"]})


async def invite(scene: Scene) -> Request:
    """Invite somebody to the town."""
    path = f"organisation/structures/{TOWN}/invitations"
    content = {"email": f"invite{scene.number()}@droits.example"}
    invited = await scene.do("moa", "POST", path, json=content)
    return Request({"structure_id": TOWN, "invitation_id": invited["invitation_id"]})


def _build_claim(scene: Scene) -> Json:
    siret = build_siret(200 + scene.number())
    claimed = {
        "identifier_type": "SIRET",
        "identifier": siret,
        "name": f"Entreprise {siret}",
        "kind": "PRIVEE",
    }
    return {"data": claimed, "files": {"proof": _PROOF}}


async def claim(scene: Scene) -> Request:
    """Let somebody new ask for a structure."""
    newcomer = await scene.sign_up(f"gerant{scene.number()}@droits.example")
    asked = await newcomer.do("POST", f"organisation{_CLAIMS}", **_build_claim(scene))
    return Request({"request_id": asked["request_id"]})


def _with(prepare: Callable[[Scene], Awaitable[Request]], **content: Json) -> Prepare:
    async def prepare_with(scene: Scene) -> Request:
        request = await prepare(scene)
        return Request(request.path, request.headers, content)

    return prepare_with


@prepares("organisation", "GET", "/applications")
@prepares("organisation", "GET", "/me")
@prepares("organisation", "GET", _CLAIMS)
async def _read(_: Scene) -> Request:
    return Request()


@prepares("organisation", "POST", "/me")
async def _register(_: Scene) -> Request:
    return Request(content={"json": {}})


@prepares("organisation", "DELETE", "/me/attachments/{structure_id}")
async def _leave(_: Scene) -> Request:
    return Request({"structure_id": NOBODYS})


@prepares("organisation", "POST", "/me/habilitation-requests")
async def _ask(_: Scene) -> Request:
    return Request(content={"json": _ASKED})


@prepares("organisation", "DELETE", "/me/habilitation-requests/{request_id}")
async def _withdraw(scene: Scene) -> Request:
    asked = await scene.do_as_reader("POST", "organisation/me/habilitation-requests", json=_ASKED)
    return Request({"request_id": asked["request_id"]})


@prepares("organisation", "POST", _USERS)
async def _ask_attachment(_: Scene) -> Request:
    return Request({"structure_id": LAGARDE})


for _path in (_USERS, _REQUESTS, _INVITATIONS, "/structures/{structure_id}/audit"):

    @prepares("organisation", "GET", _path, "moa")
    async def _list(_: Scene) -> Request:
        return Request({"structure_id": TOWN})


@prepares("organisation", "POST", _INVITATIONS, "moa")
async def _invite(scene: Scene) -> Request:
    content = {"json": {"email": f"invite{scene.number()}@droits.example"}}
    return Request({"structure_id": TOWN}, content=content)


@prepares("organisation", "POST", _CLAIMS)
async def _claim(scene: Scene) -> Request:
    return Request(content=_build_claim(scene))


for _path in ("/invitations/acceptance", "/activations"):

    @prepares("organisation", "POST", _path)
    async def _follow_link(_: Scene) -> Request:
        return Request(content=_TOKEN)


prepares("organisation", "POST", f"{_USERS}/{{user_id}}/decision", "moa")(
    _with(ask_to_be_attached, **_APPROVED)
)
prepares("organisation", "DELETE", f"{_USERS}/{{user_id}}", "moa")(attach)
prepares("organisation", "PUT", f"{_USERS}/{{user_id}}/manager", "moa")(
    _with(attach, json={"manager": "secondaire"})
)
prepares("organisation", "PUT", f"{_USERS}/{{user_id}}/habilitations", "moa")(
    _with(attach, json={"habilitations": _ASKED["habilitations"]})
)
prepares("organisation", "PUT", f"{_USERS}/{{user_id}}/public-management-account", "moa")(
    _with(attach, json={"held": True})
)
prepares("organisation", "POST", f"{_REQUESTS}/{{request_id}}/decision", "moa")(
    _with(ask_for_rights, **_APPROVED)
)
prepares("organisation", "DELETE", f"{_INVITATIONS}/{{invitation_id}}", "moa")(invite)
prepares("organisation", "GET", f"{_CLAIMS}/{{request_id}}/proof")(claim)
prepares("organisation", "POST", f"{_CLAIMS}/{{request_id}}/decision")(_with(claim, **_APPROVED))
