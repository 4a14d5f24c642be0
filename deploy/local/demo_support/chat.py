"""Chapters on the chat: a person and an agent during its hours, refusals outside them."""

import asyncio
from contextlib import AsyncExitStack

from deploy.local.demo.actor import Answer
from deploy.local.demo.structures import MOE, TRESORERIE
from deploy.local.demo_support.context import TREASURER, SupportContext
from deploy.local.demo_support.people import Person, Socket
from shared.vocabulary.roles import Role

WISH = {"sub_category": "M_PAIEMENT", "recipient": TRESORERIE.siret}
QUESTION = "Bonjour, quand sera payée la situation n° 3 ?"
ANSWER = "Bonjour, jeudi : le mandat est signé."


async def check_chat_in_hours(context: SupportContext) -> None:
    """Check a chat in opening hours: two people queue, the first one and an agent write."""
    report = context.report
    report.print_chapter("Le tchat, un mardi à 10 h : une place dans la file, puis une personne")
    first, second = context.supplier, context.build_member(MOE, Role.MOE)
    treasurer = context.treasurer
    hours = await first.ask("GET", "/chats/hours")
    report.claim(hours["detail"], hours["is_open"])
    async with AsyncExitStack() as stack:
        mine = await stack.enter_async_context(first.open_socket("/chats"))
        await mine.send(type="commencer", **WISH, text=QUESTION, key="1")
        session = (await mine.receive("session"))["chat_id"]
        theirs = await stack.enter_async_context(second.open_socket("/chats"))
        places = [(await mine.receive("file"))["position"]]
        await theirs.send(type="commencer", **WISH)
        places.append((await theirs.receive("file"))["position"])
        report.claim("deux personnes attendent, l'une après l'autre", places, [1, 2])

        taken = await treasurer.ask("POST", "/desk/chats/next")
        report.claim(f"{TREASURER.name} prend la plus ancienne", taken["chat_id"], session)
        moved = (await theirs.receive("file"))["position"]
        report.claim("l'autre avance d'une place", moved, 1)
        desk = await stack.enter_async_context(treasurer.open_socket(f"/desk/chats/{session}"))
        await _check_message(context, desk, "demandeur", QUESTION)
        await desk.send(type="ecrire", text=ANSWER)
        await _check_message(context, mine, "bureau", ANSWER)
        await mine.send(type="ecrire", text="Merci !", key="2")
        await _check_message(context, desk, "demandeur", "Merci !")
        await desk.send(type="terminer")
        end = await _wait_for_line(mine, "fin")
        report.claim("le bureau termine", end["by"], "bureau")
    kept = await first.ask("GET", f"/chats/{session}")
    report.claim(
        "la conversation est gardée",
        [each["text"] for each in kept["lines"] if each["kind"] == "message"],
        [QUESTION, ANSWER, "Merci !"],
    )
    other = (await second.send("GET", f"/chats/{session}")).status_code
    report.claim("… pour ses deux parties seules", other, 404)


async def check_closed_chat(context: SupportContext, days: int, day: str, opening: str) -> None:
    """Let days pass, then check that the chat is closed, and states when it opens again."""
    report = context.report
    report.print_chapter(
        f"… {days} jour{'s' if days > 1 else ''} plus tard, {day} à 10 h : le tchat refuse"
    )
    await asyncio.to_thread(context.platform.advance, days, "support")
    who: Person = context.supplier
    async with who.open_socket("/chats") as socket:
        await socket.send(type="commencer", **WISH, text=QUESTION)
        refusal = await socket.receive("refus", "session")
    detail = refusal.get("detail", "")
    report.claim(f"refusé : {detail}", refusal.get("code"), "SUP-TCHAT-01")
    report.claim(f"il ouvre le {opening}", f"Il ouvre le {opening}." in detail)
    hours = await who.ask("GET", "/chats/hours")
    report.claim(
        "GET /support/v1/chats/hours dit de même",
        (hours["is_open"], hours["detail"]),
        (False, detail),
    )
    ticket = refusal.get("ticket") or {}
    report.claim(
        f"un ticket est proposé à la place : « {ticket.get('title')} »",
        (ticket.get("description"), refusal.get("ticket_link")),
        (QUESTION, "/support/v1/tickets"),
    )


async def _check_message(context: SupportContext, socket: Socket, by: str, text: str) -> None:
    line = await _wait_for_line(socket, "message", by)
    context.report.quote(line["who"] if by == "bureau" else "demandeur", line["text"])
    context.report.claim("reçu en face, tel quel", line["text"], text)


async def _wait_for_line(socket: Socket, kind: str, by: str | None = None) -> Answer:
    while True:
        line = await socket.receive("ligne")
        if line["kind"] == kind and by in {None, line["by"]}:
            return line
