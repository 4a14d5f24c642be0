"""Tokens that stand for an account: a random secret, of which the store has the hash alone."""

import hashlib
import secrets

_BYTES = 32


def create_token() -> str:
    """Give a secret that nobody guesses."""
    return secrets.token_urlsafe(_BYTES)


def hash_token(token: str) -> str:
    """Give what is kept of a token: who reads the store cannot follow a ticket by it."""
    return hashlib.sha256(token.encode()).hexdigest()
