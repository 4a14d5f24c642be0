"""Idempotency-Key header: a caller may repeat a request, which has its effect once."""

from typing import Annotated, Any

from fastapi import Header, Response
from pydantic import BeforeValidator

from shared.contracts.texts import TypedText


def _decode_utf8(header: Any) -> Any:  # noqa: ANN401 - whatever the framework found
    """Decode a header as UTF-8, as clients write it; the framework decodes it as Latin-1."""
    if not isinstance(header, str):
        return header
    try:
        return header.encode("latin-1").decode()
    except UnicodeError:
        return header


_Key = Annotated[str, TypedText(200, min_length=1), BeforeValidator(_decode_utf8)]
IdempotencyKey = Annotated[
    _Key | None,
    Header(description="Une clé par envoi, propre à la structure et au rôle de l'appelant."),
]
"""A key belongs to the caller: the structure in its role, or the agent at a desk."""


def mark_replay(response: Response, *, is_replay: bool) -> None:
    """Mark the answer to a repeated request, which had no second effect."""
    if is_replay:
        response.headers["Idempotency-Replayed"] = "true"
