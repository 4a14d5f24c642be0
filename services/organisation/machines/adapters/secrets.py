"""Secrets of machines: 256 random bits, kept as SHA-256, compared in constant time.

A fast hash is enough: unlike a password, such a secret cannot be guessed from a list.
"""

import hashlib
import secrets
from collections.abc import Sequence
from hmac import compare_digest

from services.organisation.machines.application.ports import NewSecret
from services.organisation.machines.domain.machines import SECRETS_LIMIT

_BYTES = 32
_NOBODY = "0" * 64
"""Digest that no text has, compared in the place of a secret that is not there."""


class RandomSecrets:
    """Makes secrets, and finds the one that was sent."""

    def make(self) -> NewSecret:
        """Make a secret."""
        text = secrets.token_urlsafe(_BYTES)
        return NewSecret(text, _digest(text))

    def matches(self, text: str, digests: Sequence[str]) -> str | None:
        """Return the digest that a secret has; every one is compared, and as many for nobody."""
        sent, found = _digest(text), None
        compared = [*digests, *[_NOBODY] * max(0, SECRETS_LIMIT - len(digests))]
        for digest in compared:
            if compare_digest(sent, digest):
                found = digest
        return found


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()
