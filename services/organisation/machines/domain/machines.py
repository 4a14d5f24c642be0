"""A machine: its owner, its scopes in each structure, its secrets, and how they change."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from services.organisation.machines.domain import rules
from services.organisation.machines.domain.scopes import Scope, sort_scopes
from shared.vocabulary.rules import Violation
from shared.vocabulary.texts import has_visible_letter

SECRETS_LIMIT = 2
"""Limit of the valid secrets of a machine: the one in use, and the one that replaces it."""
MACHINES_LIMIT = 50
"""Limit of the machines of a structure, those of others to which it grants scopes included."""
STRUCTURES_LIMIT = 100
"""Limit of the structures that grant scopes to one machine."""
ANNOUNCED = timedelta(days=30)
"""How long before a secret expires this is announced."""


@dataclass(frozen=True, slots=True)
class Secret:
    """Secret of a machine: its SHA-256, and until when it is valid."""

    id: str
    digest: str = field(repr=False)
    created_at: datetime
    expires_at: datetime
    announced: bool = False
    """Whether the managers were told by mail that it expires."""

    def is_valid(self, now: datetime) -> bool:
        """Tell whether the secret is accepted."""
        return now < self.expires_at

    def expires_soon(self, now: datetime) -> bool:
        """Tell whether the secret expires so soon that this is announced."""
        return self.expires_at - ANNOUNCED <= now


@dataclass(frozen=True, slots=True)
class Machine:
    """A program with client credentials, in one version of its state."""

    client_id: str
    name: str
    owner: str
    """Structure that created it, and that holds its secrets."""
    version: int
    created_at: datetime
    grants: Mapping[str, tuple[Scope, ...]]
    """Scopes by structure that grants them."""
    secrets: tuple[Secret, ...]
    is_active: bool = True

    @property
    def scopes(self) -> tuple[Scope, ...]:
        """All scopes, of whatever structure: what a token may hold."""
        return sort_scopes(each for scopes in self.grants.values() for each in scopes)

    def list_valid(self, now: datetime) -> tuple[Secret, ...]:
        """List the secrets that are accepted."""
        return tuple(each for each in self.secrets if self.is_active and each.is_valid(now))

    def find_secret(self, secret_id: str) -> Secret | None:
        """Find a secret by its id."""
        return next((each for each in self.secrets if each.id == secret_id), None)

    def find_due(self, now: datetime) -> tuple[Secret, ...]:
        """Find the valid secrets whose end must still be announced."""
        return tuple(
            each for each in self.list_valid(now) if each.expires_soon(now) and not each.announced
        )


Changed = Machine | tuple[Violation, ...]
"""The next version of a machine, or the rules that keep it from being."""


def judge_new(name: str, known: int, *, has_scopes: bool) -> tuple[Violation, ...]:
    """List the rules that a new machine breaks; `known` are those of the structure before it."""
    broken = []
    if not has_visible_letter(name):
        broken.append(rules.NAME_EMPTY.build_violation("name"))
    if not has_scopes:
        broken.append(rules.SCOPES_MISSING.build_violation("scopes"))
    if known >= MACHINES_LIMIT:
        broken.append(rules.TOO_MANY.build_violation("structure_id", limit=MACHINES_LIMIT))
    return tuple(broken)


def grant(machine: Machine, structure: str, scopes: Sequence[Scope], known: int) -> Changed:
    """Grant a machine the scopes of a structure, in the place of those that it had there."""
    if not scopes:
        return (rules.SCOPES_MISSING.build_violation("scopes"),)
    if structure not in machine.grants:
        if known >= MACHINES_LIMIT:
            return (rules.TOO_MANY.build_violation("structure_id", limit=MACHINES_LIMIT),)
        if len(machine.grants) >= STRUCTURES_LIMIT:
            rule = rules.TOO_MANY_STRUCTURES
            return (rule.build_violation("structure_id", limit=STRUCTURES_LIMIT),)
    return _renew(machine, grants={**machine.grants, structure: sort_scopes(scopes)})


def withdraw(machine: Machine, structure: str) -> Machine:
    """End what a structure grants to a machine; the structure that owns it deletes it."""
    if structure == machine.owner:
        return _renew(machine, is_active=False, grants={}, secrets=())
    others = {each: scopes for each, scopes in machine.grants.items() if each != structure}
    return _renew(machine, grants=others)


def add_secret(machine: Machine, secret: Secret, now: datetime) -> Changed:
    """Add a secret; two are valid at once, so that one can replace the other without a gap."""
    valid = machine.list_valid(now)
    if len(valid) >= SECRETS_LIMIT:
        return (rules.TOO_MANY_SECRETS.build_violation("client_id", limit=SECRETS_LIMIT),)
    return _renew(machine, secrets=(*valid, secret))


def remove_secret(machine: Machine, secret_id: str) -> Machine:
    """Remove a secret: it is refused from now on."""
    kept = tuple(each for each in machine.secrets if each.id != secret_id)
    return _renew(machine, secrets=kept)


def mark_announced(machine: Machine, secrets: Sequence[Secret]) -> Machine:
    """Note that the end of these secrets was announced."""
    told = {each.id for each in secrets}
    marked = tuple(
        replace(each, announced=each.announced or each.id in told) for each in machine.secrets
    )
    # What the machine may do is as before: nothing is published, and the version stays.
    return replace(machine, secrets=marked)


def judge_owner(machine: Machine, structure: str) -> tuple[Violation, ...]:
    """List why a structure may not touch the secrets of a machine."""
    if machine.owner == structure:
        return ()
    return (rules.NOT_OWNER.build_violation("structure_id", owner=machine.owner),)


def _renew(machine: Machine, **changes: Any) -> Machine:  # noqa: ANN401 - fields of a machine
    return replace(machine, version=machine.version + 1, **changes)
