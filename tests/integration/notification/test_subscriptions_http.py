"""Subscriptions over HTTP: created, tested, told, confirmed, ended, on the running service."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import httpx
import pytest
from aiokafka import AIOKafkaProducer

from deploy.local import Platform
from shared.rights.model import Attachment, Habilitation, Level
from shared.runtime.clock import build_clock
from shared.runtime.ids import new_id
from shared.vocabulary.roles import Role
from shared.vocabulary.statuses import Status
from tests.integration.notification.dossiers import Dossier
from tests.integration.organisation.people import read_mails
from tests.kit.access import build_user, get_access
from tests.kit.waiting import wait_until
from tests.kit.webhook_receiver import WebhookReceiver

Json = dict[str, Any]
_PATIENCE_S = 30
_CONTACT = "exploitation@exemple.fr"
now = build_clock()


@dataclass
class User:
    """User of a structure, who acts in one role."""

    http: httpx.AsyncClient
    headers: Mapping[str, str]

    async def ask(self, method: str, path: str, **content: Any) -> httpx.Response:  # noqa: ANN401
        """Send a request."""
        headers = {**self.headers, **content.pop("headers", {})}
        return await self.http.request(method, path, headers=headers, **content)

    async def do(self, method: str, path: str, **content: Any) -> Json:  # noqa: ANN401
        """Send what is carried out, and read its answer."""
        answer = await self.ask(method, path, **content)
        assert answer.is_success, answer.text
        done: Json = answer.json() if answer.content else {}
        return done

    async def fail(self, method: str, path: str, **content: Any) -> tuple[int, str]:  # noqa: ANN401
        """Send what is refused. Returns the status and the code."""
        answer = await self.ask(method, path, **content)
        assert answer.status_code >= 400, answer.text
        return answer.status_code, answer.json()["code"]

    async def subscribe(self, url: str, **more: object) -> Json:
        """Subscribe by webhook."""
        body = {"channel": "webhook", "url": url, "contact": _CONTACT, **more}
        return await self.do("POST", "/subscriptions", json=body)


@pytest.fixture
def dossier(producer: AIOKafkaProducer) -> Dossier:
    return Dossier(producer)


@pytest.fixture
def moa(http: httpx.AsyncClient, dossier: Dossier) -> User:
    return User(http, dossier.seen_by(Role.MOA))


def build_colleague(moa: User, structure: str, level: Level) -> User:
    """Make another user of the structure, with one level."""
    email = f"{new_id()}@exemple.fr"
    rights = (Habilitation("factures_de_travaux", level),)
    access = get_access()
    access.put(build_user(email, {structure: Attachment(structure, None, rights)}))
    return User(moa.http, {**moa.headers, **access.authorize(email, "Une collègue")})


def list_bodies(receiver: WebhookReceiver, path: str) -> list[Json]:
    return [json.loads(each.body) for each in receiver.list_requests(path)]


async def test_a_webhook_is_tested_told_logged_and_sent_again(
    moa: User, dossier: Dossier, receiver: WebhookReceiver
) -> None:
    path = "/signed/moa"
    subscription = await moa.subscribe(receiver.build_url(path), statuses=["ASSOCIEE"])
    receiver.secrets[path] = [subscription["secret"]]
    own = f"/subscriptions/{subscription['subscription_id']}"

    test = await moa.do("POST", f"{own}/test")
    await wait_until(lambda: len(receiver.list_requests(path)) == 1, "the test", _PATIENCE_S)
    for status in (Status.DEPOSEE, Status.A_ASSOCIER_MOE, Status.ASSOCIEE):
        await dossier.tell(status)
    await wait_until(lambda: len(receiver.list_requests(path)) == 2, "a status", _PATIENCE_S)

    async def is_logged() -> bool:
        found = await moa.do("GET", f"{own}/deliveries")
        return [each["state"] for each in found["deliveries"]] == ["delivered"] * 2

    await wait_until(is_logged, "the log", _PATIENCE_S)
    told, tested = (await moa.do("GET", f"{own}/deliveries"))["deliveries"]
    again = await moa.do("POST", f"{own}/deliveries/{told['delivery_id']}/resend")
    await wait_until(lambda: len(receiver.list_requests(path)) == 3, "a re-send", _PATIENCE_S)

    received = receiver.list_requests(path)
    assert subscription["secret"].startswith("whsec_")
    assert "whsec" not in json.dumps(await moa.do("GET", own))
    assert [receiver.verify(each) for each in received] == [True] * 3
    assert [each["type"] for each in list_bodies(receiver, path)] == [
        "fr.aiguillage.abonnement.essai.v1",
        *["fr.aiguillage.piece.statut.v1"] * 2,
    ]
    assert [each.message_id for each in received] == [
        test["webhook_id"],
        *[f"{dossier.id}-3"] * 2,
    ]
    assert (tested["is_test"], tested["delivery_id"]) == (True, test["delivery_id"])
    assert (told["dossier_id"], told["sequence"]) == (dossier.id, 3)
    assert [each["code"] for each in told["tries"]] == ["204"]
    assert (again["state"], again["delivery_id"]) == ("waiting", told["delivery_id"])


async def test_after_a_change_of_the_secret_both_sign_for_the_overlap(
    moa: User, receiver: WebhookReceiver
) -> None:
    path = "/accept/moa"
    subscription = await moa.subscribe(receiver.build_url(path))
    own = f"/subscriptions/{subscription['subscription_id']}"

    changed = await moa.do("POST", f"{own}/secrets", json={"overlap_h": 1})
    await moa.do("POST", f"{own}/test")
    await wait_until(lambda: len(receiver.list_requests(path)) == 1, "both", _PATIENCE_S)
    last = await moa.do("POST", f"{own}/secrets", json={"overlap_h": 0})
    await moa.do("POST", f"{own}/test")
    await wait_until(lambda: len(receiver.list_requests(path)) == 2, "the last", _PATIENCE_S)

    def verify(secret: str) -> list[bool]:
        receiver.secrets[path] = [secret]
        return [receiver.verify(each) for each in receiver.list_requests(path)]

    assert [each["valid_until"] is None for each in changed["secrets"]] == [True, False]
    assert verify(subscription["secret"]) == [True, False]
    assert verify(changed["secret"]) == [True, False]
    assert verify(last["secret"]) == [False, True]


async def test_what_was_told_before_is_replayed(
    moa: User, dossier: Dossier, receiver: WebhookReceiver
) -> None:
    since = now() - timedelta(minutes=1)
    for status in (Status.DEPOSEE, Status.A_ASSOCIER_MOE):
        await dossier.tell(status)

    async def is_known() -> bool:
        return len((await moa.do("GET", "/statuses"))["statuses"]) == 2

    await wait_until(is_known, "the statuses are known", _PATIENCE_S)
    subscription = await moa.subscribe(receiver.build_url("/accept/moa"))
    own = f"/subscriptions/{subscription['subscription_id']}"
    period = {"since": since.isoformat(), "before": (now() + timedelta(minutes=1)).isoformat()}

    await moa.do("POST", f"{own}/replays", json=period)

    def list_ids() -> list[str]:
        return [each.message_id for each in receiver.list_requests("/accept/moa")]

    await wait_until(lambda: len(list_ids()) == 2, "both are replayed", _PATIENCE_S)
    assert list_ids() == [f"{dossier.id}-1", f"{dossier.id}-2"]


async def test_a_repeated_creation_has_one_effect(moa: User, receiver: WebhookReceiver) -> None:
    key = {"headers": {"Idempotency-Key": "un"}}
    body = {"channel": "webhook", "url": receiver.build_url("/accept/moa"), "contact": _CONTACT}

    first, again = [await moa.ask("POST", "/subscriptions", json=body, **key) for _ in range(2)]

    assert [each.status_code for each in (first, again)] == [201, 201]
    assert again.json() == first.json()
    assert again.headers["idempotency-replayed"] == "true"
    assert len((await moa.do("GET", "/subscriptions"))["subscriptions"]) == 1
    other = {**body, "marche": "M1"}
    assert await moa.fail("POST", "/subscriptions", json=other, **key) == (422, "NOT-CLE-01")


async def test_a_change_keeps_what_it_leaves_out_and_a_deletion_takes_the_log_with_it(
    moa: User, receiver: WebhookReceiver
) -> None:
    subscription = await moa.subscribe(receiver.build_url("/accept/moa"), cadres=["A4"])
    own = f"/subscriptions/{subscription['subscription_id']}"

    changed = await moa.do("PATCH", own, json={"marche": "M-1", "enabled": False})
    idle = await moa.fail("POST", f"{own}/test")
    await moa.do("PATCH", own, json={"enabled": True})

    async def is_active() -> bool:
        return bool((await moa.do("GET", own))["state"] == "active")

    await wait_until(is_active, "it has caught up", _PATIENCE_S)
    assert (await moa.ask("DELETE", own)).status_code == 204
    assert (changed["marche"], changed["cadres"]) == ("M-1", ["A4"])
    assert (changed["state"], changed["cause"]) == ("disabled", "switched_off")
    assert idle == (409, "NOT-ABO-06")
    assert await moa.fail("GET", own) == (404, "HTTP-404")
    assert await moa.fail("GET", f"{own}/deliveries") == (404, "HTTP-404")
    assert await moa.fail("DELETE", own) == (404, "HTTP-404")


async def test_the_twenty_first_subscription_of_a_structure_in_a_role_is_refused(
    moa: User, dossier: Dossier, receiver: WebhookReceiver
) -> None:
    url = receiver.build_url("/accept/moa")
    for _ in range(20):
        await moa.subscribe(url)

    body = {"channel": "webhook", "url": url, "contact": _CONTACT}
    refused = await moa.fail("POST", "/subscriptions", json=body)

    assert refused == (409, "NOT-ABO-03")
    titulaire = User(moa.http, dossier.seen_by(Role.TITULAIRE))
    assert (await titulaire.subscribe(url))["state"] == "active"


async def test_another_structure_or_role_sees_nothing_of_it_and_a_reader_changes_its_own_alone(
    moa: User, dossier: Dossier, receiver: WebhookReceiver
) -> None:
    subscription = await moa.subscribe(receiver.build_url("/accept/moa"))
    own = f"/subscriptions/{subscription['subscription_id']}"
    structure = dossier.structure(Role.MOA)
    titulaire = User(moa.http, dossier.seen_by(Role.TITULAIRE))
    as_moe = User(moa.http, {**moa.headers, "X-Role": "moe"})
    reader = build_colleague(moa, structure, Level.CONSULTATION)
    editor = build_colleague(moa, structure, Level.MODIFICATION)

    for stranger in (titulaire, as_moe):
        assert await stranger.fail("GET", own) == (404, "HTTP-404")
        assert await stranger.fail("DELETE", own) == (404, "HTTP-404")
        assert await stranger.fail("POST", f"{own}/test") == (404, "HTTP-404")
        assert (await stranger.do("GET", "/subscriptions"))["subscriptions"] == []
    assert (await reader.do("GET", own))["owner"] == subscription["owner"]
    for method, path in (
        ("DELETE", own),
        ("POST", f"{own}/test"),
        ("POST", f"{own}/deliveries/rien/resend"),
    ):
        assert await reader.fail(method, path) == (403, "NOT-ABO-05")
    changed = await reader.fail("PATCH", own, json={"url": "https://ailleurs.exemple.fr/"})
    assert changed == (403, "NOT-ABO-05")
    assert (await editor.do("PATCH", own, json={"marche": "M1"}))["marche"] == "M1"
    its_own = await reader.subscribe(receiver.build_url("/accept/reader"))
    answer = await reader.ask("DELETE", f"/subscriptions/{its_own['subscription_id']}")
    assert answer.status_code == 204


async def test_who_has_no_right_to_the_pieces_is_let_in_nowhere(
    moa: User, receiver: WebhookReceiver
) -> None:
    url = receiver.build_url("/accept/moa")
    subscription = await moa.subscribe(url)
    nobody = User(moa.http, {})
    outsider = build_colleague(moa, f"autre-{new_id()}", Level.MODIFICATION)

    for path in ("/subscriptions", f"/subscriptions/{subscription['subscription_id']}"):
        assert await nobody.fail("GET", path) == (401, "HTTP-JETON-01")
        assert await outsider.fail("GET", path) == (403, "HTTP-DROIT-01")


async def test_a_mail_is_confirmed_then_sent_then_ended_by_one_click(
    moa: User, dossier: Dossier, platform: Platform
) -> None:
    address = f"{new_id()}@exemple.fr"
    subscription = await moa.do(
        "POST", "/subscriptions", json={"channel": "mail", "address": address}
    )
    own = f"/subscriptions/{subscription['subscription_id']}"
    anybody = User(moa.http, {})

    async def wait_for_mail(number: int) -> Any:  # noqa: ANN401 - a mail
        mailbox = platform.addresses.mails
        await wait_until(
            lambda: len(read_mails(mailbox, address)) >= number, f"mail {number}", _PATIENCE_S
        )
        return read_mails(mailbox, address)[number - 1]

    asked = await wait_for_mail(1)
    link = re.search(r"/confirmations/\S+", asked.get_body(("plain",)).get_content())
    assert link is not None
    page = await anybody.ask("GET", link[0])
    unconfirmed = await moa.do("GET", own)
    confirmed = await anybody.ask("POST", link[0])
    active = await moa.do("GET", own)

    await dossier.tell(Status.DEPOSEE)
    told = await wait_for_mail(2)
    ending = re.search(r"/unsubscriptions/[^>\s]+", told["List-Unsubscribe"])
    assert ending is not None
    shown = await anybody.ask("GET", ending[0])
    still = await moa.do("GET", own)
    ended = await anybody.ask("POST", ending[0], data={"List-Unsubscribe": "One-Click"})

    assert subscription["state"] == unconfirmed["state"] == "to_confirm"
    assert (page.status_code, confirmed.status_code, shown.status_code) == (200, 200, 200)
    assert "Adresse confirmée" in confirmed.text
    assert active["state"] == still["state"] == "active"
    assert "DEPOSEE" not in told["Subject"]
    assert told["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert "Désabonnement enregistré" in ended.text
    disabled = await moa.do("GET", own)
    assert (disabled["state"], disabled["cause"]) == ("disabled", "unsubscribed")
    # It is not asked twice a day; the link of the first mail holds.
    asked_again = await moa.do("PATCH", own, json={"enabled": True})
    assert asked_again["state"] == "to_confirm"
    await anybody.ask("POST", link[0])
    assert (await moa.do("GET", own))["state"] in ("catching_up", "active")


async def test_a_link_that_nobody_made_is_a_page_that_says_so(http: httpx.AsyncClient) -> None:
    for path in ("/confirmations/rien", "/unsubscriptions/rien"):
        for method in ("GET", "POST", "HEAD"):
            page = await http.request(method, path)
            assert page.status_code == 404
            assert page.headers["content-type"] == "text/html; charset=utf-8"
            assert page.headers["referrer-policy"] == "no-referrer"
        assert (await http.options(path)).status_code == 401


@pytest.mark.parametrize(
    "url",
    [
        "https://169.254.169.254/latest/meta-data",
        "https://[fe80::1]/",
        "https://10.1.2.3/",
        "http://si.exemple.fr/",
        "https://si.exemple.fr:22/",
        "https://qui:quoi@si.exemple.fr/",
        "https://si.exemple.fr/#fragment",
        "ftp://si.exemple.fr/",
        "https:///chemin",
    ],
)
async def test_a_url_to_which_nothing_may_be_sent_is_refused(moa: User, url: str) -> None:
    body = {"channel": "webhook", "url": url, "contact": _CONTACT}

    assert await moa.fail("POST", "/subscriptions", json=body) == (422, "NOT-ABO-01")
    assert (await moa.do("GET", "/subscriptions"))["subscriptions"] == []


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ({"json": {"channel": "webhook", "url": f"https://a.fr/{'a' * 3000}"}}, 422),
        ({"json": ["webhook"]}, 422),
        ({"json": {"channel": "webhook", "url": {"$ne": ""}}}, 422),
        ({"content": b"{", "headers": {"content-type": "application/json"}}, 422),
        ({"content": b"a" * 2_000_000, "headers": {"content-type": "application/json"}}, 413),
        ({"data": {"channel": "webhook"}}, 422),
        ({"json": {"channel": "mail", "address": "a@exemple.fr, b@exemple.fr"}}, 422),
    ],
)
async def test_a_body_that_is_no_subscription_is_refused(
    moa: User, content: Json, expected: int
) -> None:
    status, _ = await moa.fail("POST", "/subscriptions", **content)

    assert status == expected
