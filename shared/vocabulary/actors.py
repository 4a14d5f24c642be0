"""Actor in a dossier: a structure in a role."""

from dataclasses import dataclass

from shared.vocabulary.roles import Role


@dataclass(frozen=True, slots=True)
class Actor:
    """A structure in a role, with its service when one is known."""

    role: Role
    structure: str
    service: str | None = None

    @property
    def whole(self) -> "Actor":
        """The structure in its role, whatever its service."""
        return Actor(self.role, self.structure) if self.service else self

    def covers_service(self, service: str | None) -> bool:
        """Tell whether the actor may act where its structure is named with this service.

        An actor with a service may act for that one only.
        """
        return self.service is None or self.service == service
