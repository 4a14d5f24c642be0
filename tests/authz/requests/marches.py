"""Requests of organisation about marchés: the mandates of a MOA, and the sheets."""

from deploy.local.demo.structures import TRESORERIE
from services.organisation.sheets.adapters.workbook_writer import write_workbook
from services.organisation.sheets.domain.form import build_form
from services.organisation.sheets.domain.sheets import Content
from tests.authz.requests import prepares
from tests.authz.scene import Json, Request, Scene
from tests.authz.structures import TOWN

_MANDATES = "/structures/{structure_id}/mandates"
_MANDATE = f"{_MANDATES}/{{mandate_id}}"
_SHEETS = "/structures/{structure_id}/sheets"
_SHEET = f"{_SHEETS}/{{sheet_id}}"
_FILE = ("mandat.pdf", b"%PDF-1.7 mandat", "application/pdf")


async def _declare_delegate(scene: Scene) -> None:
    token = scene.tokens.sign("mandataire@droits.example", TRESORERIE.siret)
    await scene.declare(TRESORERIE, token)


async def _build_mandate(scene: Scene) -> Json:
    """Build a mandate that overlaps no other: it is for one marché."""
    await scene.once("the delegate", lambda: _declare_delegate(scene))
    terms = {
        "delegate": TRESORERIE.siret,
        "valid_from": "2026-01-01",
        "valid_until": "2030-12-31",
        "contracts": [f"M-{scene.number()}"],
    }
    return {"data": terms, "files": {"file": _FILE}}


async def _give(scene: Scene) -> Request:
    """Give a mandate of the town."""
    path = f"organisation/structures/{TOWN}/mandates"
    given = await scene.do("moa", "POST", path, **await _build_mandate(scene))
    return Request({"structure_id": TOWN, "mandate_id": given["mandate_id"]})


def _build_workbook(number: str) -> Json:
    """Build the filled form of a sheet of the town."""
    content = write_workbook(build_form(TOWN, Content(number, "École")))
    return {"files": {"file": ("fiche.xlsx", content)}}


def _build_sheet(scene: Scene) -> Json:
    return {"json": {"number": f"F-{scene.number()}"}}


async def _create(scene: Scene) -> Request:
    """Create a sheet of the town."""
    path = f"organisation/structures/{TOWN}/sheets"
    made = await scene.do("moa", "POST", path, **_build_sheet(scene))
    return Request({"structure_id": TOWN, "sheet_id": made["sheet_id"], "version": "1"})


@prepares("organisation", "GET", _MANDATES, "moa")
@prepares("organisation", "GET", _SHEETS, "moa")
@prepares("organisation", "GET", f"{_SHEETS}/xlsx", "moa")
async def _list(_: Scene) -> Request:
    return Request({"structure_id": TOWN})


@prepares("organisation", "POST", _MANDATES, "moa")
async def _post_mandate(scene: Scene) -> Request:
    return Request({"structure_id": TOWN}, content=await _build_mandate(scene))


prepares("organisation", "GET", _MANDATE, "moa")(_give)
prepares("organisation", "GET", f"{_MANDATE}/file", "moa")(_give)
prepares("organisation", "DELETE", _MANDATE, "moa")(_give)


@prepares("organisation", "PATCH", _MANDATE, "moa")
async def _extend(scene: Scene) -> Request:
    request = await _give(scene)
    return Request(request.path, content={"json": {"valid_until": "2031-12-31"}})


@prepares("organisation", "POST", _SHEETS, "moa")
async def _post_sheet(scene: Scene) -> Request:
    return Request({"structure_id": TOWN}, content=_build_sheet(scene))


prepares("organisation", "GET", _SHEET, "moa")(_create)
prepares("organisation", "GET", f"{_SHEET}/xlsx", "moa")(_create)
prepares("organisation", "GET", f"{_SHEET}/versions", "moa")(_create)
prepares("organisation", "GET", f"{_SHEET}/versions/{{version}}", "moa")(_create)
prepares("organisation", "DELETE", _SHEET, "moa")(_create)


@prepares("organisation", "POST", f"{_SHEETS}/xlsx", "moa")
async def _import_new(scene: Scene) -> Request:
    return Request({"structure_id": TOWN}, content=_build_workbook(f"F-{scene.number()}"))


async def _create_numbered(scene: Scene, number: str) -> Json:
    path = f"organisation/structures/{TOWN}/sheets"
    made = await scene.do("moa", "POST", path, json={"number": number})
    return {"structure_id": TOWN, "sheet_id": made["sheet_id"]}


@prepares("organisation", "PUT", _SHEET, "moa")
async def _replace(scene: Scene) -> Request:
    number = f"F-{scene.number()}"
    content = {"json": {"number": number, "title": "École"}}
    return Request(await _create_numbered(scene, number), content=content)


@prepares("organisation", "PUT", f"{_SHEET}/xlsx", "moa")
async def _import(scene: Scene) -> Request:
    number = f"F-{scene.number()}"
    return Request(await _create_numbered(scene, number), content=_build_workbook(number))
