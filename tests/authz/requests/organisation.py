"""Requests of organisation: structures, accounts, machines."""

from deploy.local.demo.structures import MAIRIE
from tests.authz.requests import prepares
from tests.authz.scene import Json, Request, Scene
from tests.authz.structures import TOWN

_STRUCTURE = "/structures/{structure_id}"


@prepares("organisation", "GET", "/structures")
async def _search(_: Scene) -> Request:
    return Request(content={"params": {"query": "Vaubrun"}})


@prepares("organisation", "GET", _STRUCTURE)
@prepares("organisation", "GET", f"{_STRUCTURE}/sirene")
async def _read(_: Scene) -> Request:
    return Request({"structure_id": TOWN})


@prepares("organisation", "PUT", _STRUCTURE, "moa")
async def _declare(scene: Scene) -> Request:
    changed: Json = MAIRIE.build_declaration()
    changed["services"][0]["name"] = f"Voirie {scene.number()}"
    return Request({"structure_id": TOWN}, content={"json": changed})


@prepares("organisation", "PATCH", f"{_STRUCTURE}/identity", "moa")
async def _identify(scene: Scene) -> Request:
    content = {"json": {"name": f"Ville de Vaubrun {scene.number()}"}}
    return Request({"structure_id": TOWN}, content=content)


@prepares("organisation", "PATCH", f"{_STRUCTURE}/parameters", "moa")
async def _set_parameters(scene: Scene) -> Request:
    is_asked = scene.number() % 2 == 0
    content = {"json": {"engagement_ou_service": is_asked}}
    return Request({"structure_id": TOWN}, content=content)


@prepares("organisation", "PUT", f"{_STRUCTURE}/services/{{code}}", "moa")
async def _set_service(scene: Scene) -> Request:
    path = {"structure_id": TOWN, "code": "PATRIMOINE"}
    return Request(path, content={"json": {"name": f"Patrimoine {scene.number()}"}})


@prepares("organisation", "PUT", f"{_STRUCTURE}/pipes/{{pipe}}", "moa")
@prepares("organisation", "DELETE", f"{_STRUCTURE}/pipes/{{pipe}}", "moa")
async def _turn_pipe(_: Scene) -> Request:
    return Request({"structure_id": TOWN, "pipe": "travaux"})
