"""Secrets of webhooks at rest: encrypted by the first key, read by all, refused at start."""

import json
from base64 import b64decode, urlsafe_b64decode, urlsafe_b64encode
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography.fernet import Fernet
from pydantic import ValidationError

from services.notification.settings import Settings
from services.notification.subscriptions.adapters.secrets import (
    NoPushKeyError,
    SecretBox,
    create_secret,
)
from shared.runtime.settings import describe_faults

FIRST, SECOND = Fernet.generate_key().decode(), Fernet.generate_key().decode()
REQUIRED = {"kafka": "127.0.0.1:9092", "mongo": "mongodb://127.0.0.1"}
NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)


class MovedClock:
    """Clock that a test moves."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now


def open_box(*keys: str) -> SecretBox:
    return SecretBox(keys, MovedClock())


def test_a_secret_is_created_as_the_specification_says() -> None:
    secret = create_secret()

    assert secret.startswith("whsec_")
    assert len(b64decode(secret.removeprefix("whsec_"), validate=True)) == 32
    assert create_secret() != secret


def test_the_first_key_encrypts_and_all_decrypt() -> None:
    before = open_box(FIRST).seal("whsec_é")

    assert open_box(SECOND, FIRST).open(before) == "whsec_é"
    assert open_box(SECOND).open(before) is None
    assert open_box(SECOND).open(open_box(SECOND, FIRST).seal("a")) == "a"
    assert open_box(FIRST).open(open_box(SECOND, FIRST).seal("a")) is None


def test_what_is_sealed_shows_nothing_and_stands_in_a_url() -> None:
    sealed = {open_box(FIRST).seal("whsec_secret") for _ in range(2)}

    assert len(sealed) == 2
    for each in sealed:
        assert each.replace("-", "").replace("_", "").isalnum()
        assert b"secret" not in urlsafe_b64decode(each + "==")


@pytest.mark.parametrize("sealed", ["", "a", "é", "gAAAAA", "=" * 9, "a b", "A" * 100, "\0"])
def test_what_was_not_sealed_here_is_not_opened(sealed: str) -> None:
    assert open_box(FIRST).open(sealed) is None
    assert open_box(FIRST).open(sealed, timedelta(days=1)) is None


def test_a_changed_sign_is_not_opened() -> None:
    sealed = open_box(FIRST).seal("x" * 30)
    changed = sealed[:20] + ("A" if sealed[20] != "A" else "B") + sealed[21:]

    assert open_box(FIRST).open(changed) is None


def test_what_is_older_than_its_life_is_not_opened() -> None:
    clock = MovedClock()
    box = SecretBox([FIRST], clock)
    sealed = box.seal("a")

    clock.now = NOW + timedelta(hours=1)
    assert box.open(sealed, timedelta(hours=1)) == "a"
    clock.now = NOW + timedelta(hours=1, seconds=1)
    assert box.open(sealed, timedelta(hours=1)) is None
    assert box.open(sealed) == "a"


def test_without_a_key_nothing_is_sealed() -> None:
    box = open_box()

    assert not box.is_open
    assert open_box(FIRST).is_open
    assert box.open(open_box(FIRST).seal("a")) is None
    with pytest.raises(NoPushKeyError):
        box.seal("a")


@pytest.mark.parametrize(
    ("text", "keys"),
    [
        ("", []),
        (" ", []),
        ("[]", []),
        (FIRST, [FIRST]),
        (f"{SECOND},{FIRST}", [SECOND, FIRST]),
        (f"{SECOND}, {FIRST}\n", [SECOND, FIRST]),
        (json.dumps([SECOND, FIRST]), [SECOND, FIRST]),
    ],
    ids=["empty", "blank", "empty list", "one", "two", "spaces", "list"],
)
def test_keys_are_a_list_in_either_form(text: str, keys: list[str]) -> None:
    assert Settings.model_validate(REQUIRED | {"push_keys": text}).secret_keys == keys


_NO_KEY = "is no Fernet key, which is 32 bytes in URL-safe base64"


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("secret", f"key 1 {_NO_KEY}"),
        (f"{FIRST},", f"key 2 {_NO_KEY}"),
        (f"{FIRST};{SECOND}", f"key 1 {_NO_KEY}"),
        (FIRST[:-1], f"key 1 {_NO_KEY}"),
        (urlsafe_b64encode(b"a" * 16).decode(), f"key 1 {_NO_KEY}"),
        (json.dumps([FIRST, 1]), f"key 2 {_NO_KEY}"),
        (json.dumps({"k": FIRST}), f"key 1 {_NO_KEY}"),
        (f"[{FIRST}]", "that is no JSON list of keys"),
        ("[" * 100_000, "that is no JSON list of keys"),
    ],
)
def test_a_faulty_key_ends_the_start_in_one_line_that_does_not_quote_it(
    text: str, fault: str
) -> None:
    with pytest.raises(ValidationError) as raised:
        Settings.model_validate(REQUIRED | {"push_keys": text})
    found: list[Any] = list(describe_faults(raised.value))

    assert [each.startswith(f"AIGUILLAGE_PUSH_KEYS: {fault}") for each in found] == [True]
    assert "\n" not in found[0]
    assert FIRST not in found[0]
    assert "secret" not in found[0]


def test_keys_are_not_shown_by_the_settings() -> None:
    assert FIRST not in repr(Settings.model_validate(REQUIRED | {"push_keys": FIRST}))
