"""Idempotency keys: the same request sent again is answered by what the first one did."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, is_dataclass

from shared.application.uploads import Upload, fingerprint


@dataclass(frozen=True, slots=True)
class Key:
    """An idempotency key, its owner, and the fingerprint of what was sent with it."""

    owner: str
    """Whose it is: a structure in a role, an agent of a desk."""
    text: str
    fingerprint: str

    @property
    def id(self) -> str:
        """What is unique among keys."""
        # The length keeps one owner's id from ending where another's begins.
        return f"{len(self.owner)}:{self.owner}:{self.text}"


@dataclass(frozen=True, slots=True)
class UsedKey:
    """What an idempotency key has served for."""

    fingerprint: str
    subject: str
    """Id of what the first request made."""


def serialize_request(*parts: object) -> str:
    """Serialize the parts of a request (dataclasses, texts) as JSON, for a fingerprint.

    By the names of fields alone: a class that is renamed changes no fingerprint that is kept.
    """
    plain = [
        asdict(each) if is_dataclass(each) and not isinstance(each, type) else each
        for each in parts
    ]
    return json.dumps(plain, default=str, ensure_ascii=False, sort_keys=True)


async def key_of(owner: str, text: str | None, sent: str, uploads: Sequence[Upload]) -> Key | None:
    """Tie a key to its owner and to what is sent with it; None for a request without one."""
    return Key(owner, text, await fingerprint(sent, uploads)) if text is not None else None
