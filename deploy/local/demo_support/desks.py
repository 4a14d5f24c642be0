"""Chapters on desks: a ticket is taken, transferred and settled; its clock skips holidays."""

from datetime import datetime, time, timedelta

from deploy.local.demo.actor import Answer
from deploy.local.demo.structures import TRESORERIE
from deploy.local.demo_support.context import OPENS, OPERATOR, TREASURER, SupportContext
from deploy.local.demo_support.people import Person
from shared.contracts.support_v1 import TicketChanged, TicketTransferred
from shared.contracts.topics import TICKET
from shared.vocabulary.dates import PARIS
from shared.vocabulary.tickets import Desk, TicketAct

REASON = "Le fichier est bon : c'est l'engagement, que votre structure seule peut donner."
_CLOSES = time(18, 30)


async def handle_ticket(context: SupportContext, ticket: Answer) -> None:
    """Check the handling of a ticket: one desk takes and transfers it, the other resolves it."""
    report, events = context.report, context.events
    report.print_chapter("Un bureau prend un ticket, le transfère, et l'autre le résout")
    operator, treasurer = context.operator, context.treasurer
    path, number = f"/desk/tickets/{ticket['ticket_id']}", ticket["number"]

    queue = await operator.ask("GET", "/desk/tickets")
    report.claim(
        "la file du bureau technique le tient",
        number in [each["number"] for each in queue["tickets"]],
    )
    taken = await operator.ask("PUT", f"{path}/assignee", json={})
    report.claim(
        f"{OPERATOR.name} le prend",
        (taken["status"], taken["assignee"]),
        ("EN_COURS", OPERATOR.name),
    )
    report.quote("délai", describe_clock(taken))
    report.claim(
        "délais de 8 h et 40 h ouvrées",
        (taken["clock"]["first_answer_target"], taken["clock"]["resolution_target"]),
        (8 * 60, 40 * 60),
    )
    await _check_change(context, number, Desk.TECHNIQUE, TicketAct.PRENDRE_EN_CHARGE)

    to = {"desk": Desk.METIER, "recipient": {"structure": TRESORERIE.siret}, "reason": REASON}
    answer = await operator.send("POST", f"{path}/transfer", json=to)
    report.claim(f"transféré au bureau métier de {TRESORERIE.name}", answer.status_code, 204)
    report.quote(OPERATOR.name, REASON)
    left = await _check_change(context, number, Desk.TECHNIQUE, TicketAct.TRANSFERER)
    report.claim("l'ancien bureau l'apprend par son topic", left and left.next_desk, Desk.METIER)
    come = await events.wait_for(number, TICKET[Desk.METIER], TicketTransferred)
    report.claim(
        f"le nouveau aussi : {number} → {TICKET[Desk.METIER].name}",
        come and (come.previous_desk, come.reason, come.agent, come.recipient.structure)
        if come and come.recipient
        else None,
        (Desk.TECHNIQUE, REASON, OPERATOR.name, TRESORERIE.siret),
    )
    gone = (await operator.send("GET", path)).status_code
    report.claim("l'ancien bureau ne le voit plus", gone, 404)
    await _settle(context, ticket, treasurer)


async def _settle(context: SupportContext, ticket: Answer, treasurer: Person) -> None:
    report = context.report
    path, number = f"/desk/tickets/{ticket['ticket_id']}", ticket["number"]
    await treasurer.ask("PUT", f"{path}/assignee", json={})
    await _check_change(context, number, Desk.METIER, TicketAct.PRENDRE_EN_CHARGE)
    text = "L'engagement est EJ-2027-118 : déposez de nouveau."
    done = await treasurer.ask("POST", f"{path}/resolution", data={"text": text})
    await _check_change(context, number, Desk.METIER, TicketAct.RESOUDRE)
    report.claim(f"{TREASURER.name} le résout", done["status"], "RESOLU")
    report.quote("délai", describe_clock(done))
    report.claim(
        "dans le délai", (done["clock"]["is_answered"], done["clock"]["is_late"]), (True, False)
    )
    seen = await context.supplier.ask("GET", f"/tickets/{ticket['ticket_id']}")
    journal = [(each["act"], each["who"]) for each in seen["journal"]]
    report.claim(
        "le demandeur lit la réponse, et au journal qui a fait quoi, transfert compris",
        (seen["journal"][-1]["text"], journal[-4:]),
        (
            text,
            [
                (TicketAct.PRENDRE_EN_CHARGE, OPERATOR.name),
                (TicketAct.TRANSFERER, OPERATOR.name),
                (TicketAct.PRENDRE_EN_CHARGE, TREASURER.name),
                (TicketAct.RESOUDRE, TREASURER.name),
            ],
        ),
    )


async def check_waiting(context: SupportContext, ticket: Answer, after: timedelta) -> None:
    """Check the clock of an unanswered ticket: the opening hours of Tuesday, then `after`."""
    closes = datetime.combine(OPENS.date(), _CLOSES, PARIS)
    waited = closes - datetime.fromisoformat(ticket["submitted_at"]) + after
    shown = await context.operator.ask("GET", f"/desk/tickets/{ticket['ticket_id']}")
    context.report.claim(
        f"{ticket['number']} attend : {describe_clock(shown)}, sans compter ni nuit ni jour fermé",
        (shown["clock"]["resolution"], shown["clock"]["is_late"]),
        (int(waited.total_seconds() // 60), True),
    )


def describe_clock(ticket: Answer) -> str:
    """Describe the time that a ticket has taken, beside its targets."""
    clock = ticket["clock"]
    late = ", en retard" if clock["is_late"] else ""
    return (
        f"première réponse {_format_hours(clock['first_answer'])} sur "
        f"{_format_hours(clock['first_answer_target'])}, "
        f"résolution {_format_hours(clock['resolution'])} sur "
        f"{_format_hours(clock['resolution_target'])}{late}"
    )


def _format_hours(minutes: int) -> str:
    return f"{minutes // 60} h {minutes % 60:02d}"


async def _check_change(
    context: SupportContext, number: str, desk: Desk, act: TicketAct
) -> TicketChanged | None:
    changed = await context.events.wait_for(number, TICKET[desk], TicketChanged)
    context.report.claim(f"« {act} » sur {TICKET[desk].name}", changed and changed.act, act)
    return changed
