"""Requests of support: tickets, desks, chats, the virtual agent."""

import json

from websockets.asyncio.client import connect

from tests.authz.callers import CallerKind
from tests.authz.requests import Prepare, prepares
from tests.authz.scene import Json, Request, Scene
from tests.authz.structures import TOWN

_FILE = {"attachments": ("bon.pdf", b"%PDF-1.7 bon de livraison", "application/pdf")}
_TITLE, _TEXT = "Dépôt refusé", "Mon fichier est refusé à l'envoi."
_TO_DESK = {"technique": {"sub_category": "DEPOT"}, "metier": {"sub_category": "M_REFUS"}}
_TICKET = "/tickets/{ticket_id}"
_OPEN = "/open/tickets/{ticket_id}"
_DESK = "/desk/tickets/{ticket_id}"
_TALK = "/agent/conversations/{conversation_id}"


def build_draft(desk: str) -> Json:
    """Build a draft for a desk."""
    recipient = {"recipient": {"structure": TOWN}} if desk == "metier" else {}
    return {**_TO_DESK[desk], "title": _TITLE, "description": _TEXT, **recipient}


async def draft(scene: Scene, desk: str = "technique") -> str:
    """Begin a draft; return its id."""
    begun = await scene.do("titulaire", "POST", "support/tickets", json=build_draft(desk))
    return str(begun["ticket_id"])


async def attach(scene: Scene, ticket_id: str) -> str:
    """Attach a file to a draft; return its SHA-256."""
    path = f"support/tickets/{ticket_id}"
    await scene.do("titulaire", "POST", f"{path}/attachments", files=_FILE)
    shown = await scene.do("titulaire", "GET", path)
    return _find_sha256(shown)


def _find_sha256(shown: object) -> str:
    """Find the first SHA-256 of an answer."""
    if isinstance(shown, dict):
        if isinstance(shown.get("sha256"), str):
            return str(shown["sha256"])
        shown = list(shown.values())
    if isinstance(shown, list):
        for each in shown:
            if found := _find_sha256(each):
                return found
    return ""


async def submit(scene: Scene, desk: str = "technique") -> Json:
    """Submit a ticket with a file to a desk; return its id and the SHA-256 of the file."""
    ticket_id = await draft(scene, desk)
    sha256 = await attach(scene, ticket_id)
    await scene.do("titulaire", "POST", f"support/tickets/{ticket_id}/submission")
    return {"ticket_id": ticket_id, "sha256": sha256}


async def take(scene: Scene, desk: str) -> Json:
    """Submit a ticket, which an agent of the desk takes."""
    ticket = await submit(scene, desk)
    await _take(scene, desk, ticket["ticket_id"])
    return ticket


async def _take(scene: Scene, desk: str, ticket_id: str) -> None:
    await scene.do(desk, "PUT", f"support/desk/tickets/{ticket_id}/assignee", json={})


async def resolve(scene: Scene, desk: str, ticket_id: str) -> None:
    """Let a desk take a ticket and resolve it."""
    await _take(scene, desk, ticket_id)
    path = f"support/desk/tickets/{ticket_id}/resolution"
    await scene.do(desk, "POST", path, data={"text": "Réglé."})


async def submit_openly(scene: Scene) -> Json:
    """Submit a ticket without an account; return its id, its token, the SHA-256 of its file."""
    opened = await scene.do_openly("POST", "support/open/tickets", **_build_open_ticket(scene))
    path = f"support/open/tickets/{opened['ticket_id']}"
    headers = {"X-Ticket-Token": opened["token"]}
    shown = await scene.do_openly("GET", path, headers=headers)
    return {**opened, "sha256": _find_sha256(shown)}


def _build_open_ticket(scene: Scene) -> Json:
    return {
        "data": {
            "email": f"chantier{scene.number()}@example.fr",
            "sub_category": "DEPOT",
            "title": _TITLE,
            "description": _TEXT,
        },
        "files": _FILE,
    }


for _path in ("/categories", "/articles", "/chats/hours"):

    @prepares("support", "GET", _path)
    async def _read(_: Scene) -> Request:
        return Request()


@prepares("support", "GET", "/articles/{code}")
async def _read_article(_: Scene) -> Request:
    return Request({"code": "delais"})


@prepares("support", "POST", "/suggestions")
async def _suggest(_: Scene) -> Request:
    return Request(content={"json": {"title": _TITLE, "description": _TEXT}})


@prepares("support", "GET", "/tickets", "titulaire")
async def _search(_: Scene) -> Request:
    return Request()


@prepares("support", "POST", "/tickets", "titulaire")
async def _draft(_: Scene) -> Request:
    return Request(content={"json": build_draft("technique")})


@prepares("support", "PUT", _TICKET, "titulaire")
async def _save(scene: Scene) -> Request:
    content = {"json": build_draft("technique") | {"title": "Dépôt toujours refusé"}}
    return Request({"ticket_id": await draft(scene)}, content=content)


@prepares("support", "DELETE", _TICKET, "titulaire")
@prepares("support", "GET", _TICKET, "titulaire")
async def _of_draft(scene: Scene) -> Request:
    return Request({"ticket_id": await draft(scene)})


@prepares("support", "POST", f"{_TICKET}/submission", "titulaire")
async def _submit(scene: Scene) -> Request:
    return Request({"ticket_id": await draft(scene)})


@prepares("support", "POST", f"{_TICKET}/attachments", "titulaire")
async def _attach(scene: Scene) -> Request:
    return Request({"ticket_id": await draft(scene)}, content={"files": _FILE})


@prepares("support", "DELETE", f"{_TICKET}/attachments/{{sha256}}", "titulaire")
@prepares("support", "GET", f"{_TICKET}/attachments/{{sha256}}", "titulaire")
async def _of_attachment(scene: Scene) -> Request:
    ticket_id = await draft(scene)
    return Request({"ticket_id": ticket_id, "sha256": await attach(scene, ticket_id)})


@prepares("support", "POST", f"{_TICKET}/messages", "titulaire")
async def _write(scene: Scene) -> Request:
    ticket = await submit(scene)
    return Request(
        {"ticket_id": ticket["ticket_id"]}, content={"data": {"text": "Des nouvelles ?"}}
    )


@prepares("support", "POST", f"{_TICKET}/reopening", "titulaire")
async def _reopen(scene: Scene) -> Request:
    ticket = await submit(scene)
    await resolve(scene, "technique", ticket["ticket_id"])
    return Request({"ticket_id": ticket["ticket_id"]}, content={"json": {"text": "Pas encore."}})


@prepares("support", "PUT", f"{_TICKET}/satisfaction", "titulaire")
async def _rate(scene: Scene) -> Request:
    ticket = await submit(scene)
    await resolve(scene, "technique", ticket["ticket_id"])
    return Request({"ticket_id": ticket["ticket_id"]}, content={"json": {"satisfaction": 5}})


@prepares("support", "POST", "/open/tickets")
async def _submit_openly(scene: Scene) -> Request:
    return Request(content=_build_open_ticket(scene))


@prepares("support", "GET", _OPEN)
@prepares("support", "GET", f"{_OPEN}/attachments/{{sha256}}")
async def _read_openly(scene: Scene) -> Request:
    ticket = await scene.once("open ticket", lambda: submit_openly(scene))
    return _build_open_request(ticket)


def _build_open_request(ticket: Json, **content: Json) -> Request:
    path = {name: str(ticket[name]) for name in ("ticket_id", "sha256")}
    return Request(path, {"X-Ticket-Token": str(ticket["token"])}, content)


@prepares("support", "POST", f"{_OPEN}/messages")
async def _write_openly(scene: Scene) -> Request:
    return _build_open_request(await submit_openly(scene), data={"text": "Des nouvelles ?"})


@prepares("support", "POST", f"{_OPEN}/reopening")
async def _reopen_openly(scene: Scene) -> Request:
    ticket = await submit_openly(scene)
    await resolve(scene, "technique", ticket["ticket_id"])
    return _build_open_request(ticket, json={"text": "Pas encore."})


@prepares("support", "PUT", f"{_OPEN}/satisfaction")
async def _rate_openly(scene: Scene) -> Request:
    ticket = await submit_openly(scene)
    await resolve(scene, "technique", ticket["ticket_id"])
    return _build_open_request(ticket, json={"satisfaction": 5})


def _of_desk(desk: str, *, is_taken: bool, **content: Json) -> Prepare:
    async def prepare(scene: Scene) -> Request:
        ticket = await (take if is_taken else submit)(scene, desk)
        return Request(ticket, content=content)

    return prepare


_BACK: Json = {"desk": "metier", "recipient": {"structure": TOWN}, "reason": "Votre marché."}
for _desk in ("metier", "technique"):
    _transfer = {"desk": "technique", "reason": "La plateforme."} if _desk == "metier" else _BACK
    prepares("support", "GET", "/desk/tickets", _desk)(_search)
    prepares("support", "GET", "/desk/chats", _desk)(_search)
    prepares("support", "WS", "/desk/chats", _desk)(_search)
    for _method, _path, _is_taken, _content in (
        ("GET", _DESK, False, {}),
        ("GET", f"{_DESK}/attachments/{{sha256}}", False, {}),
        ("POST", f"{_DESK}/messages", True, {"data": {"text": "Nous regardons."}}),
        ("POST", f"{_DESK}/questions", True, {"data": {"text": "Quel mois ?"}}),
        ("POST", f"{_DESK}/resolution", True, {"data": {"text": "Réglé."}}),
        ("PUT", f"{_DESK}/assignee", False, {"json": {}}),
        ("PUT", f"{_DESK}/priority", True, {"json": {"priority": "HAUTE"}}),
        ("POST", f"{_DESK}/transfer", True, {"json": _transfer}),
    ):
        prepares("support", _method, _path, _desk)(_of_desk(_desk, is_taken=_is_taken, **_content))


async def chat(scene: Scene, desk: str, role: str = "titulaire") -> Json:
    """Start a chat that waits at a desk; return its id, and its token without an account."""
    headers = await scene.build_headers(CallerKind.MAIN_MANAGER, role) if role else {}
    begin = {"type": "commencer", "text": "Bonjour", **_TO_DESK[desk]}
    if desk == "metier":
        begin["recipient"] = TOWN
    url = scene.build_socket_url("support", "/chats")
    async with connect(url, additional_headers=headers, proxy=None) as socket:
        await socket.send(json.dumps(begin))
        while (frame := json.loads(await socket.recv()))["type"] not in {"session", "refus"}:
            pass
    return {"chat_id": frame["chat_id"], "token": frame["token"] or ""}


async def _take_chat(scene: Scene, desk: str, chat_id: str) -> None:
    """Let a desk take the chats that wait, until it has taken this one."""
    while True:
        taken = await scene.do(desk, "POST", "support/desk/chats/next")
        if not taken or taken["chat_id"] == chat_id:
            return


def _of_chat(desk: str, *, is_taken: bool = False, **content: Json) -> Prepare:
    async def prepare(scene: Scene) -> Request:
        known = await chat(scene, desk)
        if is_taken:
            await _take_chat(scene, desk, known["chat_id"])
        return Request(known, content=content)

    return prepare


for _desk in ("metier", "technique"):
    _transfer = {"desk": "technique", "reason": "La plateforme."} if _desk == "metier" else _BACK
    prepares("support", "POST", "/desk/chats/next", _desk)(_of_chat(_desk))
    prepares("support", "POST", "/desk/chats/{chat_id}/transfer", _desk)(
        _of_chat(_desk, is_taken=True, json=_transfer)
    )
    prepares("support", "GET", "/desk/chats/{chat_id}", _desk)(_of_chat(_desk))
    prepares("support", "WS", "/desk/chats/{chat_id}", _desk)(_of_chat(_desk))
prepares("support", "WS", "/chats", "", "titulaire")(_search)
for _role in ("", "titulaire"):
    for _path in ("/chats/{chat_id}", "/chats/{chat_id}/ticket"):

        async def _read_chat(scene: Scene, role: str = _role) -> Request:
            known = await chat(scene, "technique", role)
            return Request(known, {"X-Chat-Token": known["token"]} if known["token"] else {})

        prepares("support", "GET", _path, _role)(_read_chat)


async def talk(scene: Scene, role: str) -> Request:
    """Begin a conversation with the virtual agent."""
    path = "support/agent/conversations"
    if role:
        begun = await scene.do(role, "POST", path)
    else:
        begun = await scene.do_openly("POST", path)
    token = begun.get("token")
    headers = {"X-Conversation-Token": token} if token else {}
    return Request({"conversation_id": begun["conversation_id"]}, headers)


for _role in ("", "titulaire"):

    async def _read_talk(scene: Scene, role: str = _role) -> Request:
        return await talk(scene, role)

    async def _say(scene: Scene, role: str = _role) -> Request:
        begun = await talk(scene, role)
        return Request(begun.path, begun.headers, {"json": {"text": "comment suspendre ?"}})

    prepares("support", "POST", "/agent/conversations", _role)(_search)
    prepares("support", "GET", _TALK, _role)(_read_talk)
    prepares("support", "GET", f"{_TALK}/ticket", _role)(_read_talk)
    prepares("support", "POST", f"{_TALK}/messages", _role)(_say)
