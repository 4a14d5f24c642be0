"""Pages of the links of mails: reading one changes nothing, its button does."""

import re
from datetime import timedelta
from typing import Any

import httpx
import pytest

from services.notification.subscriptions.domain.subscription import Cause, State
from tests.unit.notification.subscription_fakes import Desk

MAIL = {"channel": "mail", "address": "equipe@exemple.fr"}


async def subscribe(desk: Desk) -> str:
    """Subscribe an address that is to confirm; return the token of its mail."""
    await desk.call_as()("POST", "/subscriptions", MAIL)
    return desk.memory.asked[-1]


def read_title(page: httpx.Response) -> str:
    found = re.search(r"<h1>(.*)</h1>", page.text)
    assert found, page.text
    return found[1]


async def test_reading_the_page_confirms_nothing_and_its_button_confirms_once_and_again() -> None:
    desk = Desk()
    token, call = await subscribe(desk), desk.call_as()

    page = await call("GET", f"/confirmations/{token}", is_known=False)
    before = desk.memory.kept["a1"].state
    done = await call("POST", f"/confirmations/{token}", is_known=False)
    again = await call("POST", f"/confirmations/{token}", is_known=False)

    assert (page.status_code, read_title(page)) == (200, "Confirmer votre adresse")
    assert '<form method="post">' in page.text
    assert "equipe@exemple.fr" in page.text
    assert before is State.TO_CONFIRM
    assert [read_title(each) for each in (done, again)] == ["Adresse confirmée"] * 2
    assert desk.memory.kept["a1"].state is State.ACTIVE


async def test_a_page_has_no_script_leaks_no_link_and_stays_in_no_cache() -> None:
    desk = Desk()
    token = await subscribe(desk)

    page = await desk.call_as()("GET", f"/confirmations/{token}", is_known=False)

    policy = page.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert "form-action 'self'; base-uri 'none'; frame-ancestors 'none'" in policy
    assert page.headers["referrer-policy"] == "no-referrer"
    assert page.headers["cache-control"] == "no-store"
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert "<script" not in page.text
    assert "http" not in page.text


async def test_what_a_page_quotes_is_escaped() -> None:
    desk = Desk()
    await desk.call_as()("POST", "/subscriptions", {**MAIL, "address": "o'neil&co@exemple.fr"})

    page = await desk.call_as()("GET", f"/confirmations/{desk.memory.asked[-1]}", is_known=False)

    assert "o&#39;neil&amp;co@exemple.fr" in page.text


async def test_a_link_confirms_for_seventy_two_hours() -> None:
    desk = Desk()
    token = await subscribe(desk)

    desk.now += timedelta(hours=72, seconds=1)
    call = desk.call_as()
    page = await call("GET", f"/confirmations/{token}", is_known=False)
    refused = await call("POST", f"/confirmations/{token}", is_known=False)

    assert (page.status_code, refused.status_code) == (404, 404)
    assert read_title(refused) == "Lien non valable"
    assert desk.memory.kept["a1"].state is State.TO_CONFIRM


async def test_the_link_of_an_address_does_not_confirm_another() -> None:
    desk = Desk()
    token, call = await subscribe(desk), desk.call_as()
    await call("PATCH", "/subscriptions/a1", {"address": "autre@exemple.fr"})

    refused = await call("POST", f"/confirmations/{token}", is_known=False)

    assert refused.status_code == 404
    assert desk.memory.kept["a1"].state is State.TO_CONFIRM


async def test_a_subscription_that_was_disabled_meanwhile_is_not_confirmed() -> None:
    desk = Desk()
    token, call = await subscribe(desk), desk.call_as()
    await call("PATCH", "/subscriptions/a1", {"enabled": False})

    told = await call("POST", f"/confirmations/{token}", is_known=False)

    assert read_title(told) == "Abonnement désactivé"
    assert desk.memory.kept["a1"].state is State.DISABLED


@pytest.mark.parametrize(
    "body", [{"data": {"List-Unsubscribe": "One-Click"}}, {}], ids=["one-click", "button"]
)
async def test_one_click_unsubscribes_at_any_time_and_reading_the_page_does_not(
    body: dict[str, Any],
) -> None:
    desk = Desk()
    await subscribe(desk)
    token = desk.book.create_unsubscribing(desk.memory.kept["a1"])
    desk.now += timedelta(days=700)
    call = desk.call_as()

    page = await call("GET", f"/unsubscriptions/{token}", is_known=False)
    before = desk.memory.kept["a1"].state
    done = await call("POST", f"/unsubscriptions/{token}", is_known=False, **body)
    again = await call("POST", f"/unsubscriptions/{token}", is_known=False, **body)

    assert (page.status_code, read_title(page)) == (200, "Se désabonner")
    assert before is State.TO_CONFIRM
    assert [read_title(each) for each in (done, again)] == ["Désabonnement enregistré"] * 2
    assert desk.memory.kept["a1"].cause is Cause.UNSUBSCRIBED


@pytest.mark.parametrize("path", ["confirmations", "unsubscriptions"])
@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_a_link_of_another_purpose_or_of_nobody_is_not_found(path: str, method: str) -> None:
    desk = Desk()
    confirming = await subscribe(desk)
    other = (
        confirming
        if path == "unsubscriptions"
        else desk.book.create_unsubscribing(desk.memory.kept["a1"])
    )
    before = dict(desk.memory.kept)

    for token in (other, "rien", f"{other[:-2]}xx", "é"):
        page = await desk.call_as()(method, f"/{path}/{token}", is_known=False)
        assert (page.status_code, read_title(page)) == (404, "Lien non valable")

    assert desk.memory.kept == before


async def test_an_unsubscribing_link_outlives_its_subscription_as_a_page() -> None:
    desk = Desk()
    await subscribe(desk)
    token, call = desk.book.create_unsubscribing(desk.memory.kept["a1"]), desk.call_as()
    await call("DELETE", "/subscriptions/a1")

    gone = await call("POST", f"/unsubscriptions/{token}", is_known=False)

    assert (gone.status_code, read_title(gone)) == (404, "Lien non valable")


async def test_a_recipient_who_unsubscribes_from_a_disabled_one_must_confirm_it_anew() -> None:
    desk = Desk()
    await subscribe(desk)
    token, call = desk.book.create_unsubscribing(desk.memory.kept["a1"]), desk.call_as()
    await call("PATCH", "/subscriptions/a1", {"enabled": False})

    await call("POST", f"/unsubscriptions/{token}", is_known=False)
    await call("PATCH", "/subscriptions/a1", {"enabled": True})

    assert desk.memory.kept["a1"].state is State.TO_CONFIRM
    # The link of the first mail holds still: who was named is not asked twice a day.
    assert len(desk.memory.asked) == 1


async def test_the_link_of_an_address_does_not_unsubscribe_another() -> None:
    desk = Desk()
    await subscribe(desk)
    token, call = desk.book.create_unsubscribing(desk.memory.kept["a1"]), desk.call_as()
    await call("PATCH", "/subscriptions/a1", {"address": "moi@exemple.fr"})

    refused = await call("POST", f"/unsubscriptions/{token}", is_known=False)

    assert refused.status_code == 404
    assert desk.memory.kept["a1"].state is State.ACTIVE


async def test_a_link_of_nobody_opens_no_transaction() -> None:
    desk = Desk()
    desk.memory.is_closed = True

    for path in ("confirmations", "unsubscriptions"):
        refused = await desk.call_as()("POST", f"/{path}/rien", is_known=False)
        assert refused.status_code == 404


@pytest.mark.parametrize("path", ["confirmations", "unsubscriptions"])
async def test_a_link_that_was_followed_already_holds_up_nobody(path: str) -> None:
    desk = Desk()
    token, call = await subscribe(desk), desk.call_as()
    if path == "unsubscriptions":
        token = desk.book.create_unsubscribing(desk.memory.kept["a1"])
    first = await call("POST", f"/{path}/{token}", is_known=False)
    desk.memory.is_closed = True

    again = await call("POST", f"/{path}/{token}", is_known=False)

    assert (again.status_code, again.text) == (200, first.text)
