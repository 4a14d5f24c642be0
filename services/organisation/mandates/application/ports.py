"""Ports of mandates: their store, and one transaction over it."""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, TypeVar

from services.organisation.audit.application.ports import AuditedChange
from services.organisation.mandates.domain.mandates import FiledMandate, MandateRegister
from services.organisation.structures.domain.structure import Structure
from shared.application.uploads import FileStore

T = TypeVar("T")


class MandateChange(AuditedChange, Protocol):
    """One transaction over mandates: all that it does is committed together.

    What changes a mandate saves the register of its mandant too: two such transactions run one
    after the other.
    """

    @property
    def level(self) -> int:
        """Level of the values that the transaction writes."""

    async def load(self, mandate: str) -> FiledMandate | None:
        """Read a mandate; None when there is none."""

    async def save(self, filed: FiledMandate) -> None:
        """Write a mandate."""

    async def list_open(self, mandant: str) -> Sequence[FiledMandate]:
        """List the mandates of a mandant that are not closed."""

    async def load_register(self, mandant: str) -> MandateRegister:
        """Read the register of a mandant; a new one where there is none."""

    async def save_register(self, register: MandateRegister) -> None:
        """Write the new version of a register."""

    async def find_structures(self, structures: Collection[str]) -> Mapping[str, Structure]:
        """Find those of these structures that exist, by id."""


class Mandates(Protocol):
    """Store of mandates."""

    async def change(self, work: Callable[[MandateChange], Awaitable[T]]) -> T:
        """Run `work` in a transaction; it may run several times."""

    async def find(self, mandate: str) -> FiledMandate | None:
        """Read a mandate."""

    async def list_of(self, structure: str, after: str, limit: int) -> Sequence[FiledMandate]:
        """List the mandates that a structure is a party of, by id, from the one after `after`."""


@dataclass(frozen=True, slots=True)
class MandatePorts:
    """What the use cases of mandates need."""

    mandates: Mandates
    vault: FileStore
    clock: Callable[[], datetime]
    new_id: Callable[[], str]
