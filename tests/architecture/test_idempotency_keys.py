"""Every request that changes something takes an `Idempotency-Key`, but for those named here."""

import re
from pathlib import Path

from docs.generators.openapi import build_openapi

_ATTACHMENT = "/organisation/v1/structures/{structure_id}/attachments/{user_id}"
UNKEYED = {
    # Sent again, they change nothing more, and are answered as before.
    "put /organisation/v1/structures/{structure_id}",
    "patch /organisation/v1/structures/{structure_id}/parameters",
    "patch /organisation/v1/structures/{structure_id}/identity",
    "put /organisation/v1/structures/{structure_id}/services/{code}",
    "put /organisation/v1/structures/{structure_id}/pipes/{pipe}",
    "delete /organisation/v1/structures/{structure_id}/pipes/{pipe}",
    "put /organisation/v1/structures/{structure_id}/attachments/{user_id}/manager",
    "put /organisation/v1/structures/{structure_id}/attachments/{user_id}/habilitations",
    f"put {_ATTACHMENT}/public-management-account",
    "delete /organisation/v1/structures/{structure_id}/attachments/{user_id}",
    "delete /organisation/v1/structures/{structure_id}/invitations/{invitation_id}",
    "delete /organisation/v1/me/attachments/{structure_id}",
    "delete /organisation/v1/me/habilitation-requests/{request_id}",
    "put /organisation/v1/structures/{structure_id}/machines/{client_id}",
    "patch /organisation/v1/structures/{structure_id}/mandates/{mandate_id}",
    "delete /organisation/v1/structures/{structure_id}/mandates/{mandate_id}",
    "put /organisation/v1/structures/{structure_id}/sheets/{sheet_id}",
    "put /organisation/v1/structures/{structure_id}/sheets/{sheet_id}/xlsx",
    "delete /organisation/v1/structures/{structure_id}/sheets/{sheet_id}",
    "patch /notification/v1/subscriptions/{subscription_id}",
    "post /notification/v1/confirmations/{token}",
    "post /notification/v1/unsubscriptions/{token}",
    # What is sent again has the same `webhook-id`, and a test is only a test.
    "post /notification/v1/subscriptions/{subscription_id}/test",
    "post /notification/v1/subscriptions/{subscription_id}/deliveries/{delivery_id}/resend",
    "post /notification/v1/subscriptions/{subscription_id}/replays",
    # A token is a token.
    "post /organisation/v1/oauth/token",
    # What is gone is not found.
    "delete /organisation/v1/structures/{structure_id}/machines/{client_id}",
    "delete /organisation/v1/structures/{structure_id}/machines/{client_id}/secrets/{secret_id}",
    "delete /support/v1/tickets/{ticket_id}",
    "delete /notification/v1/subscriptions/{subscription_id}",
    # They keep nothing: suggestions of a text, a conversation without a message.
    "post /support/v1/suggestions",
    "post /support/v1/agent/conversations",
}
_CHANGES = {"post", "put", "patch", "delete"}


def test_every_act_takes_an_idempotency_key() -> None:
    unkeyed = {
        f"{method} {path}"
        for document in build_openapi().values()
        for path, operations in document["paths"].items()
        for method, operation in operations.items()
        if method in _CHANGES
        and "idempotency-key" not in {each["name"] for each in operation.get("parameters", ())}
    }

    assert unkeyed == UNKEYED


def test_the_page_for_integrators_names_what_takes_none_of_a_service_that_takes_keys() -> None:
    page = Path("docs/integrate.md").read_text(encoding="utf-8")
    section = page.split("### Repeat a request\n")[1].split("\n#")[0]
    named = {f"{verb.lower()} {path}" for verb, path in re.findall(r"`([A-Z]+) (/\S+)`", section)}

    assert named == {each for each in UNKEYED if "/organisation/" not in each}
