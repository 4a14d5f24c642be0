"""Every request that changes something takes an `Idempotency-Key`, but for those named here."""

import re
from pathlib import Path

from docs.generators.openapi import build_openapi

UNKEYED = {
    # Sent again, they change nothing more, and are answered as before.
    "put /organisation/v1/structures/{structure_id}",
    "patch /organisation/v1/structures/{structure_id}/parameters",
    "put /organisation/v1/structures/{structure_id}/services/{code}",
    # What is gone is not found.
    "delete /support/v1/tickets/{ticket_id}",
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
