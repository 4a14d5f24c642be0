"""Signatures of webhooks, verified by npm's `standardwebhooks`; without node, each test says so."""

import os
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest

from deploy.local.npm import find_missing
from deploy.local.webhook_verifier import Signed, verify_with_npm
from services.notification.pushes.adapters.webhooks import SignedMessage, WebhookSender, sign
from services.notification.pushes.domain.targets import TargetRules
from services.notification.subscriptions.adapters.secrets import create_secret
from tests.kit.waiting import scale_timeout
from tests.kit.webhook_receiver import open_webhook_receiver

BODY = '{"motif":"Décompte à corriger : œuvre n° 3 🏗️\\u2028","montant":"1 234,50 €"}'.encode()
SECRET, OTHER = create_secret(), create_secret()
_FOREIGN = "No matching signature found"


@pytest.fixture(scope="module", autouse=True)
def _node() -> None:
    """Skip, with the reason, where npm's library cannot run; CI must have it."""
    missing = find_missing("npm's standardwebhooks")
    if missing is not None:
        assert not os.getenv("CI"), missing
        pytest.skip(missing)


def sign_now(*secrets: str, ago: timedelta = timedelta(0), body: bytes = BODY) -> dict[str, str]:
    at = datetime.fromtimestamp(time.time(), timezone(timedelta(hours=2))) - ago
    return sign(secrets, "0198-7", at, body)


async def test_what_a_receiver_gets_is_verified() -> None:
    message = SignedMessage(sign_now(SECRET), BODY)
    with open_webhook_receiver() as receiver:
        rules = TargetRules(allows_loopback=True)
        async with WebhookSender(rules, timeout_s=scale_timeout(5)) as sender:
            attempt = await sender.send(receiver.build_url("/accept"), message)
        assert attempt.code == "204"
        (received,) = receiver.requests

    assert verify_with_npm([Signed(SECRET, received.headers, received.body)]) == [None]


def test_each_secret_of_a_rotation_verifies_and_no_other() -> None:
    headers = sign_now(SECRET, OTHER)
    secrets = [SECRET, OTHER, create_secret()]

    assert verify_with_npm([Signed(each, headers, BODY) for each in secrets]) == [
        None,
        None,
        _FOREIGN,
    ]


def test_what_was_changed_is_not_verified() -> None:
    signed = Signed(SECRET, sign_now(SECRET), BODY)
    later = str(int(signed.headers["webhook-timestamp"]) + 1)
    changed = [
        replace(signed, body=BODY.replace(b"corriger", b"Corriger")),
        replace(signed, body=BODY + b" "),
        replace(signed, headers={**signed.headers, "webhook-id": "0198-8"}),
        replace(signed, headers={**signed.headers, "webhook-timestamp": later}),
    ]

    assert verify_with_npm([signed, *changed]) == [None, *[_FOREIGN] * 4]


def test_an_old_message_is_not_verified_but_by_an_old_clock() -> None:
    headers = sign_now(SECRET, ago=timedelta(minutes=6))
    then = float(headers["webhook-timestamp"])

    assert verify_with_npm(
        [Signed(SECRET, headers, BODY), Signed(SECRET, headers, BODY, now=then)]
    ) == ["Message timestamp too old", None]


def test_the_time_is_utc_whatever_zone_it_is_stated_in() -> None:
    at = datetime(2026, 11, 30, 13, 30, tzinfo=timezone(timedelta(hours=1)))

    assert sign([SECRET], "a", at, b"{}") == sign([SECRET], "a", at.astimezone(UTC), b"{}")
    assert sign([SECRET], "a", at, b"{}")["webhook-timestamp"] == "1796041800"
