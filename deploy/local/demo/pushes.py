"""Subscriptions of the demo: a signed webhook and a mail for the right statuses, and no others.

What came is compared with what the topic of statuses told, and the signatures are verified by
another implementation than the one that signs.
"""

import asyncio
import html
import json
import re
import subprocess
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import httpx

from deploy.local.demo.actor import Actor, Answer, Unexpected, expect
from deploy.local.demo.checks import Difference, Fault, find_fault
from deploy.local.demo.context import DemoContext
from deploy.local.demo.routing_events import RoutingEvents, ToldStatus
from deploy.local.demo.structures import MAIRIE, TITULAIRE
from deploy.local.demo.webhook_receiver import Received, WebhookReceiver, open_webhook_receiver
from deploy.local.npm import find_missing, install_packages
from deploy.local.webhook_verifier import SOURCE, Signed, verify_with_npm
from shared.runtime.ids import new_id
from shared.vocabulary.labels import STATUSES
from shared.vocabulary.roles import Role
from shared.vocabulary.statuses import Status

_WANTED = (Status.MISE_A_DISPOSITION, Status.MISE_EN_PAIEMENT)
_NOT_REPORTED = Status.MISE_EN_PAIEMENT
"""Status that the titulaire is not told where the service financier does not report it."""
_STATUS_TYPE = "fr.aiguillage.piece.statut.v1"
_TEST_TYPE = "fr.aiguillage.abonnement.essai.v1"
_TIMEOUT_S = 20.0
_POLL_S = 0.1
_INSTALL_S = 30.0
"""Time in which npm must have installed its library; then the Python one verifies alone."""
_ROW = re.compile(
    r"n° (?P<number>\S+) : (?P<status>[^<\n]+)(?:</strong><br>)?\s+Le [^\n]* dossier (?P<id>\S+)"
)
"""A status in a mail, as its text and its HTML show it."""


@dataclass(frozen=True, slots=True)
class Pushes:
    """Subscriptions of the demo: the titulaire's to a webhook, the service financier's by mail."""

    context: DemoContext
    receiver: WebhookReceiver
    titulaire: Actor
    payer: Actor
    webhook_id: str
    mail_id: str
    mails: Path
    """Maildir of the mail sink."""

    async def let_come(self, events: RoutingEvents) -> None:
        """Wait until what was told has come; then expect the newest secret alone.

        Days will pass: a mail that is still in its queue then would be given up as too old.
        """
        await self._wait_for_all(events)
        self.receiver.secrets = self.receiver.secrets[:1]

    async def check(self, events: RoutingEvents) -> list[str]:
        """Wait until all has come, and verify it; unsubscribe. Return what is wrong."""
        found = await self._wait_for_all(events)
        found += await self._verify()
        await self._unsubscribe()
        return [str(each) for each in found]

    async def _wait_for_all(self, events: RoutingEvents) -> list[Difference]:
        """Wait until nothing differs; return the differences that are left after 20 s."""
        loop = asyncio.get_running_loop()
        ends_at = loop.time() + _TIMEOUT_S
        while (found := self._find_differences(events)) and loop.time() < ends_at:  # noqa: ASYNC110
            await asyncio.sleep(_POLL_S)
        return found

    def _find_differences(self, events: RoutingEvents) -> list[Difference]:
        mails = read_mails(self.mails, self.payer.structure.user.email)
        return [
            *compare_webhooks(self.receiver.received, select_told(events, self.titulaire)),
            *compare_mails(mails, select_told(events, self.payer)),
        ]

    async def _verify(self) -> list[Difference]:
        """Verify the signatures by npm's library where node is; remark by what."""
        received = self.receiver.received
        verifier, found = await asyncio.to_thread(verify_by_other, received)
        statuses = {each.message_id for each in received if _read(each)["type"] == _STATUS_TYPE}
        both = sum(len(each.secrets) > 1 for each in received)
        repeated = len(received) - len({each.message_id for each in received})
        mails = read_mails(self.mails, self.payer.structure.user.email)
        mailed = sum(sum(_list_rows(each)[0].values()) for each in mails)
        for remark in (
            ("webhooks au titulaire", f"{len(statuses)} statuts, 1 essai, {repeated} répété(s)"),
            ("leurs signatures", f"vérifiées {verifier}, dont {both} sous deux secrets"),
            ("courriels au service financier", f"{mailed} statuts en {len(mails)} courriels"),
        ):
            self.context.tally.remarks.append(remark)
        return found

    async def _unsubscribe(self) -> None:
        """Unsubscribe by the one-click POST (RFC 8058) of the last mail, without signing in."""
        mails = read_mails(self.mails, self.payer.structure.user.email)
        if not mails:
            return
        async with httpx.AsyncClient(timeout=30) as anybody:
            answer = await anybody.post(
                _find_link(mails[-1]), data={"List-Unsubscribe": "One-Click"}
            )
        if not answer.is_success:
            raise Unexpected(f"one-click unsubscribing: {answer.status_code} {answer.text}")
        found = await _ask(self.payer, "GET", f"/{self.mail_id}", 200)
        if (found["state"], found["cause"]) != ("disabled", "unsubscribed"):
            raise Unexpected(f"the recipient has unsubscribed: {found}")
        self.context.tally.remarks.append(("désabonnement en un clic", found["cause_label"]))


@asynccontextmanager
async def subscribe(context: DemoContext, mails: Path) -> AsyncIterator[Pushes]:
    """Subscribe a webhook and a mail address, receive within the block.

    A test is sent to the webhook, then its secret is changed: until days pass, both sign.
    """
    titulaire = context.build_member(TITULAIRE, Role.TITULAIRE)
    payer = context.build_member(MAIRIE, Role.SERVICE_FINANCIER)
    async with open_webhook_receiver() as receiver:
        created = await _ask(
            titulaire,
            "POST",
            "",
            201,
            channel="webhook",
            url=receiver.url,
            contact=titulaire.structure.user.email,
            statuses=_WANTED,
        )
        webhook_id = created["subscription_id"]
        receiver.secrets = (created["secret"],)
        await _ask(titulaire, "POST", f"/{webhook_id}/test", 202)
        await _wait_for_test(receiver)
        changed = await _ask(titulaire, "POST", f"/{webhook_id}/secrets", 201)
        receiver.secrets = (changed["secret"], *receiver.secrets)
        mailed = await _ask(
            payer,
            "POST",
            "",
            201,
            channel="mail",
            address=payer.structure.user.email,
            statuses=_WANTED,
        )
        if mailed["state"] != "active":
            raise Unexpected(f"one's own address needs no confirmation: {mailed}")
        yield Pushes(
            context, receiver, titulaire, payer, webhook_id, mailed["subscription_id"], mails
        )


async def _ask(
    actor: Actor,
    method: str,
    path: str,
    status: int,
    **body: Any,  # noqa: ANN401 - JSON
) -> Answer:
    """Send a request about subscriptions of an actor."""
    answer = await actor.services.notification.request(
        method,
        f"/subscriptions{path}",
        headers=actor.headers | {"Idempotency-Key": new_id()},
        json=body,
    )
    return expect(answer, status)


async def _wait_for_test(receiver: WebhookReceiver) -> None:
    async with asyncio.timeout(_TIMEOUT_S):
        while not receiver.received:  # noqa: ASYNC110 - it comes from another process
            await asyncio.sleep(_POLL_S)
    tested = _read(receiver.received[0])
    if tested["type"] != _TEST_TYPE:
        raise Unexpected(f"a test must come first: {tested}")


def select_told(events: RoutingEvents, reader: Actor) -> list[ToldStatus]:
    """Select the wanted statuses of the topic that a structure may see in its role, in order."""
    hides = reader.role is Role.TITULAIRE
    told = [
        each
        for each in events.told
        if each.structures.get(reader.role) == reader.structure.siret
        and each.status in _WANTED
        and not (hides and each.payment_not_reported and each.status == _NOT_REPORTED)
    ]
    return sorted(told, key=lambda each: (each.dossier_id, each.sequence))


def compare_webhooks(
    received: Sequence[Received], expected: Sequence[ToldStatus]
) -> Iterator[Difference]:
    """List webhooks that do not verify, are missing, too many, or out of order in a dossier.

    A webhook may come again, under its id: that is no difference.
    """
    for each in received:
        if each.fault:
            yield Difference(Fault.LOST, f"webhook refused by the receiver: {each.fault}")
    came: defaultdict[str, list[tuple[int, str, str]]] = defaultdict(list)
    seen = set()
    for each in received:
        message = _read(each)
        if each.fault or message["type"] != _STATUS_TYPE or each.message_id in seen:
            continue
        seen.add(each.message_id)
        data = message["data"]
        if each.message_id != f"{data['dossier_id']}-{data['sequence']}":
            yield Difference(Fault.DUPLICATED, f"id of a webhook: {each.message_id}, {data}")
        came[data["dossier_id"]].append((data["sequence"], data["number"], data["status"]))
    told: defaultdict[str, list[tuple[int, str, str]]] = defaultdict(list)
    for status in expected:
        told[status.dossier_id].append((status.sequence, status.number, status.status))
    for dossier in sorted(came.keys() | told.keys()):
        if came[dossier] != told[dossier]:
            yield Difference(
                find_fault(Counter(came[dossier]), Counter(told[dossier])),
                f"webhooks of {dossier} are {came[dossier]} instead of {told[dossier]}",
            )


def compare_mails(
    mails: Sequence[EmailMessage], expected: Sequence[ToldStatus]
) -> Iterator[Difference]:
    """List what mails name of statuses otherwise than once, and links that are not as they must."""
    told = Counter(
        (each.dossier_id, each.number, STATUSES[Status(each.status)]) for each in expected
    )
    came: Counter[tuple[str, str, str]] = Counter()
    for mail in mails:
        in_text, in_html = _list_rows(mail)
        if in_text != in_html:
            yield Difference(Fault.LOST, f"a mail tells {in_text} as text, {in_html} as HTML")
        came += in_text
        link = _find_link(mail)
        counts = [text.count(link) for text in _read_texts(mail)]
        if not link or counts != [1, 1]:
            yield Difference(Fault.LOST, f"a mail has its unsubscribe link {counts} times: {link}")
    if came != told:
        missing, extra = told - came, came - told
        yield Difference(
            find_fault(came, told), f"mails: missing {dict(missing)}, unexpected {dict(extra)}"
        )


def read_mails(maildir: Path, address: str) -> list[EmailMessage]:
    """Read the mails of statuses to an address, oldest first: those that one can unsubscribe."""
    files = sorted((maildir / "new").glob("*"), key=lambda each: (each.stat().st_mtime_ns, each))
    mails = [message_from_bytes(each.read_bytes(), policy=policy.default) for each in files]
    return [each for each in mails if each["To"] == address and each["List-Unsubscribe"]]


def _find_link(mail: EmailMessage) -> str:
    return str(mail["List-Unsubscribe"]).strip("<>")


def _read_texts(mail: EmailMessage) -> tuple[str, str]:
    """Read a mail as text and as HTML, without the escapes of HTML."""
    plain, rich = mail.get_body(("plain",)), mail.get_body(("html",))
    return (
        plain.get_content() if plain else "",
        html.unescape(rich.get_content()) if rich else "",
    )


def _list_rows(mail: EmailMessage) -> tuple[Counter[Any], Counter[Any]]:
    """List the statuses that a mail names, dossier, number and label, as text and as HTML."""
    in_text, in_html = (
        Counter((each["id"], each["number"], each["status"]) for each in _ROW.finditer(text))
        for text in _read_texts(mail)
    )
    return in_text, in_html


def _read(received: Received) -> Answer:
    message: Answer = json.loads(received.body)
    return message


def verify_by_other(received: Sequence[Received]) -> tuple[str, list[Difference]]:
    """Verify webhooks by npm's library; return by what they were verified, and what is wrong.

    The receiver has verified each by the Python library, when it came.
    """
    if find_missing("standardwebhooks"):
        return "par la bibliothèque Python (ni node 20 ni npm ici)", []
    try:
        install_packages(SOURCE, _INSTALL_S)
    except subprocess.SubprocessError:
        return "par la bibliothèque Python (npm n'a pas pu installer la sienne)", []
    signed = [
        Signed(secret, each.headers, each.body, each.at)
        for each in received
        for secret in each.secrets
    ]
    faults = [
        Difference(Fault.LOST, f"npm does not verify {each.headers.get('webhook-id')}: {reason}")
        for each, reason in zip(signed, verify_with_npm(signed), strict=True)
        if reason
    ]
    return "par standardwebhooks de npm", faults
