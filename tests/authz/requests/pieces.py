"""Requests about pieces: deposit, routing, notification and portal."""

import json
from decimal import Decimal

from deploy.local.demo.pieces import build_metadata, write_pdf
from deploy.local.demo.structures import MAIRIE, ONE_SIRET, TITULAIRE
from deploy.local.einvoices import Einvoice
from shared.runtime.clock import build_clock
from shared.vocabulary.dates import PARIS
from shared.vocabulary.roles import Role
from tests.authz.requests import Prepare, prepares
from tests.authz.scene import Json, Request, Scene, wait_for

_BON = ("bon.pdf", b"%PDF-1.4 bon de livraison", "application/pdf")
_PERIOD = {"deposited_from": "2026-01-01", "deposited_to": "2026-12-31"}


def build_deposit(scene: Scene, cadre: str, role: Role, **more: object) -> Json:
    """Build the content of a deposit: a PDF, with its metadata."""
    draft = Einvoice(
        f"{cadre}-DROITS-{scene.number()}",
        build_clock()().astimezone(PARIS).date(),
        cadre,
        TITULAIRE.build_trader(),
        MAIRIE.build_trader(),
        Decimal(10_000),
    )
    file, metadata = write_pdf(draft), build_metadata(draft)
    opening = {
        "parties": ONE_SIRET.build_parties(role),
        "type_tva": "TVA_SUR_DEBIT",
        "mode_paiement": "VIREMENT",
        "opens": True,
    }
    return {
        "data": {"metadata": json.dumps(metadata | (more or opening))},
        "files": {"file": (file.name, file.content, file.media_type)},
    }


async def deposit(scene: Scene, cadre: str, role: Role, **more: object) -> Json:
    """Deposit a piece that opens a dossier, or that follows the piece named in `more`."""
    content = build_deposit(scene, cadre, role, **more)
    return await scene.do(role, "POST", "deposit/pieces", **content)


async def follow(scene: Scene, before: Json, cadre: str, role: Role) -> Json:
    """Deposit the piece after another, once deposit awaits it."""
    piece_id = before["piece_id"]
    await scene.do(role, "GET", f"deposit/pieces/{piece_id}/next")
    return await deposit(scene, cadre, role, follows={"piece_id": piece_id})


async def treat(scene: Scene, piece: Json, role: Role, act: str, **reasons: str) -> None:
    """Do an act on a piece, once routing offers it."""
    path = f"routing/pieces/{piece['piece_id']}/treatments"
    await wait_for(
        lambda: scene.ask(role, "GET", path),
        lambda answer: answer.is_success and act in answer.json()["acts"],
    )
    await scene.do(role, "POST", path, json={"act": act, **reasons})


async def suspend(scene: Scene) -> Json:
    """Deposit an A4 and suspend it; return it once deposit knows."""
    piece = await deposit(scene, "A4", Role.TITULAIRE)
    await treat(scene, piece, Role.MOE, "suspendre", comment="Il manque le bon.")
    await wait_for(
        lambda: scene.ask("titulaire", "GET", f"deposit/pieces/{piece['piece_id']}"),
        lambda answer: answer.is_success and answer.json()["status"] == "SUSPENDUE",
    )
    return piece


async def complete(scene: Scene) -> Json:
    """Deposit an A4, suspend it, complete it; return it with the SHA-256 of what was added."""
    piece = await suspend(scene)
    path = f"deposit/pieces/{piece['piece_id']}"
    content = {"data": {"comment": "Bon joint."}, "files": {"attachments": _BON}}
    await scene.do("titulaire", "POST", f"{path}/completion", **content)
    shown = await wait_for(
        lambda: scene.ask("titulaire", "GET", path),
        lambda answer: answer.is_success and bool(answer.json()["completions"]),
    )
    return {**piece, "sha256": shown["completions"][0]["attachments"][0]["sha256"]}


async def pay(scene: Scene) -> Json:
    """Carry a dossier from an A15 of the MOE to the service financier; return its A19."""
    opener = await deposit(scene, "A15", Role.MOE)
    last = await follow(scene, opener, "A19", Role.MOA)
    path = f"routing/pieces/{last['piece_id']}/treatments"
    await wait_for(
        lambda: scene.ask("service_financier", "GET", path),
        lambda answer: answer.is_success and "service_fait" in answer.json()["acts"],
    )
    for each in ("portal/dossiers/{}/export", "notification/dossiers/{}/statuses"):
        await scene.do("service_financier", "GET", each.format(last["dossier_id"]))
    await scene.do("service_financier", "GET", f"notification/pieces/{last['piece_id']}/statuses")
    return last


async def open_by_moe(scene: Scene) -> Json:
    """Deposit an A15 of the MOE that opens a dossier; return it once the MOA is awaited."""
    piece = await deposit(scene, "A15", Role.MOE)
    await wait_for(
        lambda: scene.ask("moa", "GET", f"routing/pieces/{piece['piece_id']}/treatments"),
        lambda answer: answer.is_success and "prendre_en_compte" in answer.json()["acts"],
    )
    await scene.do("moa", "GET", f"deposit/pieces/{piece['piece_id']}/next")
    return piece


async def close_accounts(scene: Scene) -> Json:
    """Carry a dossier to a décompte général, which the titulaire may contest; return it."""
    opener = await deposit(scene, "A17", Role.MOE)
    last = await follow(scene, opener, "A20", Role.MOA)
    await scene.do("titulaire", "GET", f"deposit/pieces/{last['piece_id']}/next")
    return last


async def _find_read(scene: Scene, role: str) -> Json:
    """Find a piece that readers in a role share."""
    if role == "service_financier":
        return await scene.once("paid", lambda: pay(scene))
    if role == "moa":
        return await scene.once("opened by MOE", lambda: open_by_moe(scene))
    piece = await scene.once("completed", lambda: complete(scene))
    for each in ("portal/dossiers/{}/export", "notification/dossiers/{}/statuses"):
        await scene.do(role, "GET", each.format(piece["dossier_id"]))
    return piece


def _read(role: str, **content: Json) -> Prepare:
    async def prepare(scene: Scene) -> Request:
        piece = await _find_read(scene, role)
        path = {
            "piece_id": piece["piece_id"],
            "dossier_id": piece["dossier_id"],
            "sha256": piece.get("sha256", ""),
            "rank": "1",
        }
        return Request(path, content=content)

    return prepare


for _service, _path, *_roles in (
    ("deposit", "/pieces/{piece_id}", "titulaire", "service_financier"),
    ("deposit", "/pieces/{piece_id}/next", "moa"),
    ("deposit", "/pieces/{piece_id}/file", "titulaire", "service_financier"),
    ("deposit", "/pieces/{piece_id}/attachments/{sha256}", "titulaire"),
    ("deposit", "/pieces/{piece_id}/certificate", "titulaire"),
    ("deposit", "/pieces/{piece_id}/completions/{rank}/certificate", "titulaire"),
    ("routing", "/dossiers/{dossier_id}", "titulaire", "service_financier"),
    ("routing", "/dossiers/{dossier_id}/audit", "titulaire"),
    ("routing", "/awaited-pieces", "moa", "service_financier"),
    ("routing", "/pieces/{piece_id}/treatments", "moa", "service_financier"),
    ("notification", "/dossiers/{dossier_id}/statuses", "titulaire", "service_financier"),
    ("notification", "/dossiers/{dossier_id}/statuses/stream", "titulaire"),
    ("notification", "/pieces/{piece_id}/statuses", "titulaire", "service_financier"),
    ("notification", "/pieces/{piece_id}/statuses/stream", "titulaire"),
    ("notification", "/statuses", "titulaire", "service_financier"),
    ("portal", "/pieces", "titulaire", "service_financier"),
    ("portal", "/pieces/changes", "titulaire", "service_financier"),
    ("portal", "/dashboard", "titulaire", "service_financier"),
    ("portal", "/dossiers/{dossier_id}/export", "titulaire", "service_financier"),
):
    for _role in _roles:
        prepares(_service, "GET", _path, _role)(_read(_role))
for _role in ("titulaire", "service_financier"):
    prepares("portal", "GET", "/fiscal-list", _role)(_read(_role, params=_PERIOD))


async def describe_marche(scene: Scene) -> Json:
    """Create the sheet of a marché of the titulaire; return what asks for its prefill."""
    number = f"OUVERTURE-{scene.number()}"
    actors = [{"role": "titulaire", "structure": TITULAIRE.siret}]
    path = f"organisation/structures/{MAIRIE.siret}/sheets"
    await scene.do("moa", "POST", path, json={"number": number, "actors": actors})
    params = {"moa": MAIRIE.siret, "marche": number}
    await scene.do("titulaire", "GET", "deposit/openings", params=params)
    return params


@prepares("deposit", "GET", "/openings", "titulaire")
async def _prefill(scene: Scene) -> Request:
    params = await scene.once("described", lambda: describe_marche(scene))
    return Request(content={"params": params})


@prepares("deposit", "POST", "/pieces", "titulaire")
async def _deposit(scene: Scene) -> Request:
    return Request(content=build_deposit(scene, "A4", Role.TITULAIRE))


@prepares("deposit", "POST", "/pieces/{piece_id}/completion", "titulaire")
async def _complete(scene: Scene) -> Request:
    piece = await suspend(scene)
    content = {"data": {"comment": "Bon joint."}, "files": {"attachments": _BON}}
    return Request({"piece_id": piece["piece_id"]}, content=content)


@prepares("deposit", "POST", "/pieces/{piece_id}/contestation", "titulaire")
async def _contest(scene: Scene) -> Request:
    piece = await close_accounts(scene)
    content = {"data": {"comment": "Sans les intempéries."}, "files": {"attachments": _BON}}
    return Request({"piece_id": piece["piece_id"]}, content=content)


@prepares("routing", "POST", "/pieces/{piece_id}/treatments", "moa")
async def _treat(scene: Scene) -> Request:
    piece = await open_by_moe(scene)
    return Request({"piece_id": piece["piece_id"]}, content={"json": {"act": "prendre_en_compte"}})


@prepares("routing", "POST", "/pieces/{piece_id}/treatments", "service_financier")
async def _pay(scene: Scene) -> Request:
    piece = await pay(scene)
    return Request({"piece_id": piece["piece_id"]}, content={"json": {"act": "service_fait"}})


@prepares("routing", "GET", "/motives")
async def _list_motives(_: Scene) -> Request:
    return Request(content={"params": {"cadre": "A15"}})
