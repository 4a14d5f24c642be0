"""Actor in a dossier: a structure in a role."""

from dataclasses import dataclass

from shared.vocabulary.roles import Role


@dataclass(frozen=True, slots=True)
class Actor:
    """A structure in a role, with its service when one is known."""

    role: Role
    structure: str
    service: str | None = None
