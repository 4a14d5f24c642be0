"""Requests of organisation about programs: their scopes, their secrets, their tokens."""

from tests.authz.requests import Prepare, prepares
from tests.authz.scene import Json, Request, Scene
from tests.authz.structures import TOWN

_MACHINES = "/structures/{structure_id}/machines"
_SCOPES = ["factures_de_travaux:consultation"]


def _build_machine(scene: Scene) -> Json:
    return {"json": {"name": f"Progiciel {scene.number()}", "scopes": _SCOPES}}


async def create(scene: Scene) -> Json:
    """Create a program of the town."""
    path = f"organisation/structures/{TOWN}/machines"
    return await scene.do("moa", "POST", path, **_build_machine(scene))


def _of_machine(**content: Json) -> Prepare:
    async def prepare(scene: Scene) -> Request:
        made = await create(scene)
        path = {
            "structure_id": TOWN,
            "client_id": made["client_id"],
            "secret_id": made["secret"]["secret_id"],
        }
        return Request(path, content=content)

    return prepare


@prepares("organisation", "GET", "/jwks")
async def _read_keys(_: Scene) -> Request:
    return Request()


@prepares("organisation", "GET", _MACHINES, "moa")
async def _list(_: Scene) -> Request:
    return Request({"structure_id": TOWN})


@prepares("organisation", "POST", _MACHINES, "moa")
async def _create(scene: Scene) -> Request:
    return Request({"structure_id": TOWN}, content=_build_machine(scene))


@prepares("organisation", "POST", "/oauth/token")
async def _issue(scene: Scene) -> Request:
    client_id, secret = scene.tokens.machine
    form = {
        "grant_type": "client_credentials",
        "client_id": client_id,
        "client_secret": secret,
    }
    return Request(content={"data": form})


prepares("organisation", "PUT", f"{_MACHINES}/{{client_id}}", "moa")(
    _of_machine(json={"scopes": ["sollicitations:consultation"]})
)
prepares("organisation", "DELETE", f"{_MACHINES}/{{client_id}}", "moa")(_of_machine())
prepares("organisation", "POST", f"{_MACHINES}/{{client_id}}/secrets", "moa")(_of_machine())


@prepares("organisation", "DELETE", f"{_MACHINES}/{{client_id}}/secrets/{{secret_id}}", "moa")
async def _delete_secret(scene: Scene) -> Request:
    request = await _of_machine()(scene)
    path = f"organisation/structures/{TOWN}/machines/{request.path['client_id']}/secrets"
    await scene.do("moa", "POST", path)
    return request
