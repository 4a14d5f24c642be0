"""Tokens in place of an account: random secrets, of which the store has the hash alone."""

import hashlib
import secrets

_BYTES = 32


def create_token() -> str:
    """Create a random token that nobody can guess."""
    return secrets.token_urlsafe(_BYTES)


def hash_token(token: str) -> str:
    """Hash a token: whoever reads the store cannot use what it holds."""
    return hashlib.sha256(token.encode()).hexdigest()
