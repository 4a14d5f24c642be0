"""Fingerprints of requests: by what was sent, not by how the code names it."""

from dataclasses import dataclass
from enum import StrEnum

from shared.application.idempotency import serialize_request


class Role(StrEnum):
    MOA = "moa"


@dataclass(frozen=True, slots=True)
class Request:
    role: Role
    text: str | None


@dataclass(frozen=True, slots=True)
class RenamedRequest:
    role: Role
    text: str | None


def test_a_class_that_is_renamed_changes_no_fingerprint() -> None:
    assert serialize_request("me", Request(Role.MOA, "é")) == '["me", {"role": "moa", "text": "é"}]'
    assert serialize_request(RenamedRequest(Role.MOA, None)) == serialize_request(
        Request(Role.MOA, None)
    )


def test_a_class_within_a_mapping_is_named_no_more_than_elsewhere() -> None:
    assert serialize_request({Role.MOA: Request(Role.MOA, "é")}) == (
        '[{"moa": {"role": "moa", "text": "é"}}]'
    )


def test_parts_do_not_run_into_each_other() -> None:
    assert serialize_request("a", "b") != serialize_request("a, b")
    assert serialize_request(Request(Role.MOA, "None")) != serialize_request(
        Request(Role.MOA, None)
    )


def test_the_order_of_the_fields_changes_no_fingerprint() -> None:
    assert serialize_request({"a": 1, "b": 2}) == serialize_request({"b": 2, "a": 1})


@dataclass(frozen=True, slots=True)
class GrownRequest(Request):
    colour: str | None = None
    words: str = ""


def test_an_optional_field_more_changes_no_fingerprint_until_it_is_sent() -> None:
    before = serialize_request([Request(Role.MOA, "é")])

    assert serialize_request([GrownRequest(Role.MOA, "é")]) == before
    assert serialize_request([GrownRequest(Role.MOA, "é", colour="red")]) != before
    assert serialize_request([GrownRequest(Role.MOA, "é", words="red")]) != before
