"""Subscriptions over HTTP: what is asked, refused and shown, over what is in memory."""

import json
import re
from dataclasses import replace
from typing import Any

import pytest

from services.notification.pushes.domain.delivery import DeliveryState, Try
from services.notification.pushes.domain.labels import label_code
from services.notification.pushes.entrypoints.answers import TryAnswer
from services.notification.subscriptions.domain.subscription import State
from shared.rights.model import Level
from tests.unit.notification.subscription_fakes import NOON, Desk, build_delivery

WEBHOOK = {
    "channel": "webhook",
    "url": "https://si.exemple.fr/statuts",
    "contact": "exploitation@exemple.fr",
}
MAIL = {"channel": "mail", "address": "equipe@exemple.fr", "frequency": "daily"}
PERIOD = {"since": "2026-11-01T00:00:00Z", "before": "2026-12-01T00:00:00Z"}
FIRST = "/subscriptions/a1"


def read_fields(problem: dict[str, Any]) -> list[tuple[str, str]]:
    return [(each["code"], each["field"]) for each in problem["violations"]]


async def test_the_secret_of_a_webhook_is_told_at_its_creation_and_never_shown_again() -> None:
    call = Desk().call_as()

    created = await call("POST", "/subscriptions", {**WEBHOOK, "cadres": ["A15", "A4"]})
    shown = await call("GET", FIRST)

    assert created.status_code == 201
    assert created.headers["cache-control"] == "no-store"
    assert created.json().get("secret") == "whsec_1"
    assert shown.json() == {
        "subscription_id": "a1",
        "owner": "p-moi",
        "role": "moe",
        "structure": "35600000000048",
        "service": None,
        "channel": "webhook",
        "url": "https://si.exemple.fr/statuts",
        "address": None,
        "contact": "exploitation@exemple.fr",
        "frequency": None,
        "statuses": [],
        "cadres": ["A15", "A4"],
        "marche": None,
        "state": "active",
        "state_label": "Actif",
        "cause": None,
        "cause_label": None,
        "created_at": "2026-12-01T12:00:00Z",
        "disabled_at": None,
        "health": {"failures": 0, "failing_since": None, "next_attempt": None},
        "secrets": [{"valid_until": None}],
    }
    assert "whsec" not in (await call("GET", "/subscriptions")).text


async def test_a_creation_repeated_under_its_key_has_one_effect_and_the_same_secret() -> None:
    desk = Desk()
    call, key = desk.call_as(), {"idempotency-key": "un"}
    many = {**WEBHOOK, "statuses": ["REJETEE", "SUSPENDUE", "DEPOSEE"], "cadres": ["A4", "A15"]}

    first = await call("POST", "/subscriptions", many, key)
    again = await call("POST", "/subscriptions", many, key)
    other = await call("POST", "/subscriptions", WEBHOOK, key)

    assert again.status_code == 201
    assert again.headers["idempotency-replayed"] == "true"
    assert again.json() == first.json()
    assert len(desk.memory.kept) == 1
    assert (other.status_code, other.json()["code"]) == (422, "NOT-CLE-01")


async def test_a_changed_secret_leaves_the_one_before_valid_for_a_while() -> None:
    desk = Desk()
    call, key = desk.call_as(), {"idempotency-key": "deux"}
    await call("POST", "/subscriptions", WEBHOOK)

    changed = await call("POST", f"{FIRST}/secrets", {"overlap_h": 2}, key)
    again = await call("POST", f"{FIRST}/secrets", {"overlap_h": 2}, key)

    assert changed.status_code == 201
    assert changed.headers["cache-control"] == "no-store"
    assert changed.json().get("secret") != "whsec_1"
    assert changed.json()["secrets"] == [
        {"valid_until": None},
        {"valid_until": "2026-12-01T14:00:00Z"},
    ]
    assert again.json() == changed.json()


async def test_a_mail_to_an_address_that_the_token_does_not_attest_is_to_be_confirmed() -> None:
    desk = Desk()
    call = desk.call_as()

    other = await call("POST", "/subscriptions", MAIL)
    own = await call("POST", "/subscriptions", {"channel": "mail", "address": "Moi@Exemple.fr"})

    assert (other.json()["state"], other.json()["frequency"]) == ("to_confirm", "daily")
    assert other.json()["secret"] is None
    assert (own.json()["state"], own.json()["frequency"]) == ("active", "immediate")
    assert len(desk.memory.asked) == 1


BAD = {
    "no url": ({**WEBHOOK, "url": None}, ("HTTP-FORM-01", "url")),
    "no address": ({"channel": "mail"}, ("HTTP-FORM-01", "address")),
    "no channel": ({"url": WEBHOOK["url"]}, ("HTTP-FORM-01", "channel")),
    "another channel": ({**WEBHOOK, "channel": "sms"}, ("HTTP-FORM-01", "channel")),
    "an unknown field": ({**WEBHOOK, "secret": "x"}, ("HTTP-FORM-01", "secret")),
    "an address of a webhook": (
        {**WEBHOOK, "address": "a@exemple.fr"},
        ("NOT-ABO-11", "address"),
    ),
    "a frequency of a webhook": ({**WEBHOOK, "frequency": "daily"}, ("NOT-ABO-11", "frequency")),
    "a url of a mail": ({**MAIL, "url": WEBHOOK["url"]}, ("NOT-ABO-11", "url")),
    "no contact": ({**WEBHOOK, "contact": None}, ("NOT-ABO-02", "contact")),
    "no e-mail address": ({**MAIL, "address": "equipe"}, ("HTTP-FORM-01", "address")),
    "a header in an address": (
        {**MAIL, "address": "a@exemple.fr\r\nBcc: b@exemple.fr"},
        ("CIR-CHAMP-05", "address"),
    ),
    "a long url": ({**WEBHOOK, "url": f"https://a.fr/{'a' * 3000}"}, ("HTTP-FORM-01", "url")),
    "plain http": ({**WEBHOOK, "url": "http://si.exemple.fr/"}, ("NOT-ABO-01", "url")),
    "loopback": ({**WEBHOOK, "url": "https://127.0.0.1/"}, ("NOT-ABO-01", "url")),
    "metadata": ({**WEBHOOK, "url": "https://169.254.169.254/"}, ("NOT-ABO-01", "url")),
    "a peer": ({**WEBHOOK, "url": "https://routing.a.svc.cluster.local/"}, ("NOT-ABO-01", "url")),
    "port 22": ({**WEBHOOK, "url": "https://si.exemple.fr:22/"}, ("NOT-ABO-01", "url")),
    "userinfo": ({**WEBHOOK, "url": "https://a:b@si.exemple.fr/"}, ("NOT-ABO-01", "url")),
    "an unknown status": ({**WEBHOOK, "statuses": ["PAYEE"]}, ("HTTP-FORM-01", "statuses.0")),
    "an unknown cadre": ({**WEBHOOK, "cadres": ["A99"]}, ("CIR-CADRE-01", "cadres")),
    "many cadres": ({**WEBHOOK, "cadres": ["A4"] * 61}, ("HTTP-FORM-01", "cadres")),
    "a long marché": ({**WEBHOOK, "marche": "M" * 101}, ("HTTP-FORM-01", "marche")),
    "an empty marché": ({**WEBHOOK, "marche": ""}, ("HTTP-FORM-01", "marche")),
    "a list": ([WEBHOOK], ("HTTP-FORM-01", "requête")),
}


@pytest.mark.parametrize("case", BAD)
async def test_a_bad_subscription_is_refused_by_the_field(case: str) -> None:
    desk = Desk()
    body, expected = BAD[case]

    refused = await desk.call_as()("POST", "/subscriptions", body)

    assert refused.status_code == 422
    assert read_fields(refused.json()) == [expected]
    assert desk.memory.kept == {}


async def test_the_reason_against_a_url_is_told_in_french() -> None:
    refused = await Desk().call_as()(
        "POST", "/subscriptions", {**WEBHOOK, "url": "https://10.0.0.1/"}
    )

    assert refused.json()["violations"][0]["message"] == (
        "Cette adresse ne peut pas recevoir de webhook : son adresse, ou son nom, n'est pas public."
    )


async def test_a_marche_is_normalised_as_that_of_a_piece() -> None:
    created = await Desk().call_as()(
        "POST", "/subscriptions", {**WEBHOOK, "marche": "MARCHE\u0301-1"}
    )

    assert created.json()["marche"] == "MARCHÉ-1"


async def test_one_subscription_too_many_is_refused() -> None:
    desk = Desk(limit=2)
    call = desk.call_as()
    for _ in range(2):
        assert (await call("POST", "/subscriptions", WEBHOOK)).status_code == 201

    refused = await call("POST", "/subscriptions", WEBHOOK)

    assert (refused.status_code, refused.json()["code"]) == (409, "NOT-ABO-03")


async def test_nothing_is_created_while_no_key_protects_secrets() -> None:
    refused = await Desk(key="").call_as()("POST", "/subscriptions", WEBHOOK)

    assert (refused.status_code, refused.json()["code"]) == (503, "NOT-ABO-04")


ACTS: dict[str, tuple[str, str, Any, int]] = {
    "change": ("PATCH", FIRST, {"marche": "M1"}, 200),
    "disable": ("PATCH", FIRST, {"enabled": False}, 200),
    "delete": ("DELETE", FIRST, None, 204),
    "change the secret": ("POST", f"{FIRST}/secrets", {}, 201),
    "test": ("POST", f"{FIRST}/test", None, 202),
    "send again": ("POST", f"{FIRST}/deliveries/e2/resend", None, 202),
    "replay": ("POST", f"{FIRST}/replays", PERIOD, 202),
}


@pytest.mark.parametrize("act", ACTS)
async def test_who_only_reads_acts_on_its_own_and_who_may_modify_on_those_of_others(
    act: str,
) -> None:
    desk = Desk()
    method, path, body, done = ACTS[act]
    await desk.call_as("p-moi", Level.CONSULTATION)("POST", "/subscriptions", WEBHOOK)

    refused = await desk.call_as("p-autre", Level.CONSULTATION)(method, path, body)
    unknown = await desk.call_as()(method, path, body, {"x-structure": "autre"})
    other_role = await desk.call_as()(method, path, body, {"x-role": "titulaire"})
    own = await desk.call_as("p-moi", Level.CONSULTATION)("GET", FIRST)
    answers = await desk.call_as("p-autre", Level.MODIFICATION)(method, path, body)

    assert (refused.status_code, refused.json()["code"]) == (403, "NOT-ABO-05")
    assert (unknown.status_code, other_role.status_code) == (404, 404)
    assert own.json()["owner"] == "p-moi"
    assert answers.status_code == done


@pytest.mark.parametrize("act", ACTS)
async def test_one_acts_on_its_own_subscription_with_the_level_consultation(act: str) -> None:
    call = Desk().call_as("p-moi", Level.CONSULTATION)
    method, path, body, done = ACTS[act]
    await call("POST", "/subscriptions", WEBHOOK)

    assert (await call(method, path, body)).status_code == done


async def test_the_path_of_a_webhook_is_shown_to_who_may_change_it_alone() -> None:
    desk = Desk()
    url = "https://si.exemple.fr:8443/crochets/s3cr3t?cle=s3cr3t"
    await desk.call_as("p-moi", Level.CONSULTATION)(
        "POST", "/subscriptions", {**WEBHOOK, "url": url}
    )

    async def read(user: str, level: Level) -> list[str]:
        call = desk.call_as(user, level)
        alone = (await call("GET", FIRST)).json()
        (listed,) = (await call("GET", "/subscriptions")).json()["subscriptions"]
        return [alone["url"], listed["url"]]

    assert await read("p-moi", Level.CONSULTATION) == [url, url]
    assert await read("p-autre", Level.MODIFICATION) == [url, url]
    assert await read("p-autre", Level.CONSULTATION) == ["https://si.exemple.fr:8443/…"] * 2


async def test_what_a_change_leaves_out_stays() -> None:
    call = Desk().call_as()
    await call("POST", "/subscriptions", {**WEBHOOK, "marche": "M1", "cadres": ["A4"]})

    await call("PATCH", FIRST, {"statuses": ["REJETEE"], "marche": None})
    changed = (await call("PATCH", FIRST, {"url": "https://autre.exemple.fr/"})).json()

    assert changed["url"] == "https://autre.exemple.fr/"
    assert (changed["contact"], changed["cadres"]) == ("exploitation@exemple.fr", ["A4"])
    assert (changed["statuses"], changed["marche"]) == (["REJETEE"], None)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"url": None}, ("HTTP-FORM-01", "url")),
        ({"url": "https://127.0.0.1/"}, ("NOT-ABO-01", "url")),
        ({"contact": None}, ("NOT-ABO-02", "contact")),
        ({"address": "a@exemple.fr"}, ("NOT-ABO-11", "address")),
        ({"frequency": "daily"}, ("NOT-ABO-11", "frequency")),
        ({"enabled": "non"}, ("HTTP-FORM-01", "enabled")),
        ({"enabled": None}, ("HTTP-FORM-01", "enabled")),
        ({"channel": "mail"}, ("HTTP-FORM-01", "channel")),
        ({"owner": "p-autre"}, ("HTTP-FORM-01", "owner")),
        ({"cadres": ["A99"]}, ("CIR-CADRE-01", "cadres")),
    ],
)
async def test_a_bad_change_is_refused_and_changes_nothing(
    change: dict[str, Any], expected: tuple[str, str]
) -> None:
    desk = Desk()
    call = desk.call_as()
    await call("POST", "/subscriptions", WEBHOOK)
    before = dict(desk.memory.kept)

    refused = await call("PATCH", FIRST, change)

    assert refused.status_code == 422
    assert read_fields(refused.json()) == [expected]
    assert desk.memory.kept == before


async def test_a_disabled_subscription_says_why_and_catches_up_when_it_is_enabled() -> None:
    desk = Desk()
    call = desk.call_as()
    await call("POST", "/subscriptions", WEBHOOK)

    disabled = (await call("PATCH", FIRST, {"enabled": False})).json()
    idle = await call("POST", f"{FIRST}/test")
    enabled = (await call("PATCH", FIRST, {"enabled": True})).json()

    assert (disabled["state"], disabled["cause"]) == ("disabled", "switched_off")
    assert disabled["cause_label"] == "Un utilisateur de la structure l'a désactivé."
    assert (idle.status_code, idle.json()["code"]) == (409, "NOT-ABO-06")
    assert (enabled["state"], enabled["cause"]) == ("catching_up", None)
    assert desk.memory.kept["a1"].state is State.CATCHING_UP


async def test_a_change_of_terms_and_of_its_state_is_done_whole_or_not_at_all() -> None:
    desk = Desk(asked_a_day=1)
    call = desk.call_as()
    await call("POST", "/subscriptions", MAIL)
    await call("PATCH", FIRST, {"enabled": False})
    before = dict(desk.memory.kept)

    refused = await call("PATCH", FIRST, {"address": "autre@exemple.fr", "enabled": True})

    assert read_fields(refused.json()) == [("NOT-ABO-12", "address")]
    assert desk.memory.kept == before


async def test_a_new_address_of_one_that_is_disabled_with_it_is_not_asked() -> None:
    desk = Desk()
    call = desk.call_as()
    await call("POST", "/subscriptions", {**MAIL, "address": "moi@exemple.fr"})

    changed = await call("PATCH", FIRST, {"address": "autre@exemple.fr", "enabled": False})

    assert (changed.json()["address"], changed.json()["state"]) == ("autre@exemple.fr", "disabled")
    assert desk.memory.asked == []


@pytest.mark.parametrize(
    ("is_disabled", "change"),
    [
        (False, {}),
        (False, {"url": WEBHOOK["url"], "contact": WEBHOOK["contact"], "cadres": []}),
        (False, {"enabled": True}),
        (True, {"enabled": False}),
    ],
)
async def test_a_change_that_changes_nothing_holds_up_nobody(
    is_disabled: bool, change: dict[str, Any]
) -> None:
    desk = Desk()
    call = desk.call_as()
    await call("POST", "/subscriptions", WEBHOOK)
    if is_disabled:
        await call("PATCH", FIRST, {"enabled": False})
    before = (await call("GET", FIRST)).json()
    desk.memory.is_closed = True

    same = await call("PATCH", FIRST, change)

    assert (same.status_code, same.json()) == (200, before)


async def test_a_mail_has_no_secret_to_change() -> None:
    call = Desk().call_as()
    await call("POST", "/subscriptions", MAIL)

    refused = await call("POST", f"{FIRST}/secrets", {})

    assert (refused.status_code, refused.json()["code"]) == (409, "NOT-ABO-07")


@pytest.mark.parametrize("hours", [-1, 169, 1.5, "24"])
async def test_an_overlap_is_a_whole_number_of_hours_of_a_week_at_most(hours: object) -> None:
    call = Desk().call_as()
    await call("POST", "/subscriptions", WEBHOOK)

    refused = await call("POST", f"{FIRST}/secrets", {"overlap_h": hours})

    assert read_fields(refused.json()) == [("HTTP-FORM-01", "overlap_h")]


async def test_the_log_is_read_page_by_page_newest_first() -> None:
    call = Desk().call_as()
    await call("POST", "/subscriptions", WEBHOOK)

    first = (await call("GET", f"{FIRST}/deliveries?limit=3")).json()
    last = (await call("GET", f"{FIRST}/deliveries?limit=3&before={first['next']}")).json()

    assert [each["delivery_id"] for each in first["deliveries"]] == ["e5", "e4", "e3"]
    assert [each["delivery_id"] for each in last["deliveries"]] == ["e2", "e1"]
    assert (first["next"], last["next"]) == ("e3", None)


async def test_a_delivery_shows_its_attempts_in_french() -> None:
    desk = Desk()
    tries = tuple(Try(NOON, code, 12) for code in ("503", "timeout", "scheme"))
    desk.log.deliveries = [replace(build_delivery(4), tries=tries)]
    call = desk.call_as()
    await call("POST", "/subscriptions", WEBHOOK)

    [shown] = (await call("GET", f"{FIRST}/deliveries")).json()["deliveries"]

    assert (shown["webhook_id"], shown["dossier_id"], shown["sequence"]) == ("d-4", "d", 4)
    assert shown["state"] == DeliveryState.WAITING
    assert [each["label"] for each in shown["tries"]] == [
        "Le récepteur a répondu 503.",
        "Le récepteur n'a pas répondu à temps.",
        "L'URL n'est plus admise : elle n'est pas en https.",
    ]


CODES = {
    *{"name", "address", "connect", "tls", "timeout", "closed", "answer", "redirect"},
    *{"left", "status", "secret"},
    *{"url", "scheme", "userinfo", "fragment", "host", "port"},
    *{"mail", "expired"},
}
"""Codes of attempts that are no number."""


def test_each_code_of_an_attempt_is_described_and_has_a_french_label() -> None:
    described = TryAnswer.model_json_schema()["properties"]["code"]["description"]

    assert set(re.findall(r"`(\w+)`", described)) == CODES
    assert all(label_code(each).endswith(".") for each in CODES | {"410", "550"})


async def test_a_test_names_no_dossier() -> None:
    call = Desk().call_as()
    await call("POST", "/subscriptions", WEBHOOK)

    sent = (await call("POST", f"{FIRST}/test")).json()

    assert (sent["is_test"], sent["webhook_id"]) == (True, "essai-1")
    assert (sent["dossier_id"], sent["sequence"]) == (None, None)


async def test_an_unknown_delivery_is_not_found() -> None:
    call = Desk().call_as()
    await call("POST", "/subscriptions", WEBHOOK)

    assert (await call("POST", f"{FIRST}/deliveries/e9/resend")).status_code == 404


@pytest.mark.parametrize(
    ("period", "status", "code"),
    [
        ({**PERIOD, "before": PERIOD["since"]}, 422, "NOT-ABO-08"),
        ({"since": PERIOD["since"]}, 422, "HTTP-FORM-01"),
        ({**PERIOD, "since": "2026-11-01T00:00:00"}, 422, "HTTP-FORM-01"),
        ({**PERIOD, "cadres": []}, 422, "HTTP-FORM-01"),
    ],
)
async def test_a_bad_period_is_refused(period: dict[str, Any], status: int, code: str) -> None:
    call = Desk().call_as()
    await call("POST", "/subscriptions", WEBHOOK)

    refused = await call("POST", f"{FIRST}/replays", period)

    assert (refused.status_code, refused.json()["code"]) == (status, code)


async def test_a_replay_waits_for_those_that_are_in_progress() -> None:
    desk = Desk()
    desk.log.is_busy = True
    call = desk.call_as()
    await call("POST", "/subscriptions", WEBHOOK)

    refused = await call("POST", f"{FIRST}/replays", PERIOD)

    assert (refused.status_code, refused.json()["code"]) == (409, "NOT-ABO-10")


async def test_a_body_that_is_no_json_is_refused() -> None:
    refused = await Desk().call_as()(
        "POST", "/subscriptions", headers={"content-type": "application/json"}, content=b"{"
    )

    assert json.loads(refused.text)["code"] == "HTTP-FORM-01"


async def test_what_is_refused_to_somebody_holds_up_nobody() -> None:
    desk = Desk()
    await desk.call_as("p-moi")("POST", "/subscriptions", WEBHOOK)
    desk.memory.is_closed = True

    refused = await desk.call_as("p-autre", Level.CONSULTATION)("DELETE", FIRST)
    unknown = await desk.call_as()("DELETE", "/subscriptions/rien")

    assert (refused.status_code, unknown.status_code) == (403, 404)
