"""Idempotency keys: a repeated request has no second effect, and gets the first one's result."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass

from shared.application.uploads import Upload, fingerprint
from shared.vocabulary.actors import Actor
from shared.vocabulary.tickets import Desk


@dataclass(frozen=True, slots=True)
class Key:
    """Idempotency key, its owner, and the fingerprint of the request sent with it."""

    owner: str
    """Owner of the key: a structure in a role (`name_owner`), an agent of a desk
    (`name_agent_owner`), and without an account an address, a ticket or a conversation."""
    text: str
    fingerprint: str

    @property
    def id(self) -> str:
        """Unique id of the key and its owner."""
        # The length separates the owner from the key without ambiguity.
        return f"{len(self.owner)}:{self.owner}:{self.text}"


@dataclass(frozen=True, slots=True)
class UsedKey:
    """Use of an idempotency key: the fingerprint of its request and the result."""

    fingerprint: str
    subject: str
    """What the first request created or changed: the id of a piece, ticket or chat, the version of
    the dossier that an addition answers, or the rank of a turn."""

    def is_of(self, key: Key | None) -> bool:
        """Tell whether the key was used for the same request; otherwise the key is refused."""
        return key is not None and self.fingerprint == key.fingerprint


def read_owner(key_id: str) -> str:
    """Read the owner of a key in `Key.id`."""
    length, _, rest = key_id.partition(":")
    return rest[: int(length)]


def name_owner(actor: Actor) -> str:
    """Name the owner of a structure's idempotency keys: the structure in one role."""
    return f"{actor.role}|{actor.structure}"


def name_agent_owner(desk: Desk, structure: str | None, agent: str) -> str:
    """Name the owner of an agent's idempotency keys: the agent of a desk, by its account.

    A business desk is one of a `structure`.
    """
    return repr((desk.value, structure, agent))


def serialize_request(*parts: object) -> str:
    """Serialize the parts of a request (dataclasses, texts) as JSON, for a fingerprint.

    Only the names of fields are used: renaming a class does not change stored fingerprints. Fields
    that have their default are left out: nor does a new optional field, which the replicas of the
    version before do not know.
    """
    plain = [_convert_part(each) for each in parts]
    return json.dumps(plain, default=str, ensure_ascii=False, sort_keys=True)


def _convert_part(part: object) -> object:
    if is_dataclass(part) and not isinstance(part, type):
        return {
            each.name: _convert_part(value)
            for each in fields(part)
            if (value := getattr(part, each.name)) != each.default
        }
    if isinstance(part, Mapping):
        return {key: _convert_part(value) for key, value in part.items()}
    if isinstance(part, frozenset):
        # The order of a set differs from one process to the next.
        return sorted(map(str, part))
    return [_convert_part(each) for each in part] if isinstance(part, list | tuple) else part


async def build_key(
    owner: str, text: str | None, sent: str, uploads: Sequence[Upload]
) -> Key | None:
    """Build the idempotency key of a request; None when the request has no key.

    Args:
        owner: as `Key.owner`.
        text: the key, as it was sent.
        sent: the request without its files, by `serialize_request`.
        uploads: the files of the request.
    """
    return Key(owner, text, await fingerprint(sent, uploads)) if text is not None else None
