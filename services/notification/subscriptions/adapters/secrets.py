"""Secrets of webhooks: created, and encrypted at rest by the keys of a setting (Fernet)."""

import json
import re
from base64 import b64encode
from collections.abc import Sequence
from datetime import timedelta
from secrets import token_bytes

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from shared.runtime.clock import Clock

_KEY = re.compile(r"[A-Za-z0-9_-]{43}=")
_SECRET_BYTES = 32


class PushKeysError(ValueError):
    """Keys that cannot be used; the message quotes nothing of them."""


class NoPushKeyError(RuntimeError):
    """There is no key to encrypt by: whoever asks must look at `SecretBox.is_open` first."""


class SecretBox:
    """Encrypts texts by the first of some keys, and decrypts by all of them.

    An encrypted text can stand in a URL.
    """

    def __init__(self, keys: Sequence[str], clock: Clock) -> None:
        """Use these keys, none or more; `clock` tells the age of what was encrypted."""
        self._keys = MultiFernet([Fernet(each) for each in keys]) if keys else None
        self._clock = clock

    @property
    def is_open(self) -> bool:
        """Whether a key is set."""
        return self._keys is not None

    def seal(self, text: str) -> str:
        """Encrypt a text. Raises NoPushKeyError."""
        if self._keys is None:
            raise NoPushKeyError
        sealed = self._keys.encrypt_at_time(text.encode(), self._read_clock())
        # Without its padding, which some mail programs leave out of a link.
        return sealed.decode().rstrip("=")

    def open(self, sealed: str, life: timedelta | None = None) -> str | None:
        """Decrypt a text; None for one that was not sealed by these keys, or is older than this."""
        if self._keys is None:
            return None
        token = sealed + "=" * (-len(sealed) % 4)
        try:
            if life is None:
                return self._keys.decrypt(token).decode()
            seconds = int(life.total_seconds())
            return self._keys.decrypt_at_time(token, seconds, self._read_clock()).decode()
        except (InvalidToken, ValueError):
            return None

    def _read_clock(self) -> int:
        return int(self._clock().timestamp())


def parse_push_keys(text: str) -> Sequence[str]:
    """Parse the setting: keys separated by commas, or a JSON list. Raises PushKeysError."""
    if text.lstrip().startswith("["):
        try:
            stated = json.loads(text)
        except (ValueError, RecursionError):
            raise PushKeysError("that is no JSON list of keys") from None
    else:
        stated = [each.strip() for each in text.split(",")] if text.strip() else []
    for rank, each in enumerate(stated, start=1):
        if not (isinstance(each, str) and _KEY.fullmatch(each)):
            raise PushKeysError(
                f"key {rank} is no Fernet key, which is 32 bytes in URL-safe base64: docs/deploy.md"
                " says how to make one"
            )
    return [str(each) for each in stated]


def create_secret() -> str:
    """Create the secret of a webhook, as Standard Webhooks writes it."""
    return "whsec_" + b64encode(token_bytes(_SECRET_BYTES)).decode()
