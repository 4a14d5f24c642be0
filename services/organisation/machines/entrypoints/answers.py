"""What the routes of machines answer."""

from datetime import datetime
from typing import Any, Self

from pydantic import Field

from services.organisation.machines.application.tokens import LIFE_S, Issued
from services.organisation.machines.domain.machines import Machine, Secret
from shared.answers.answer import Answer

_SHOWN_ONCE = (
    "Le secret, montré cette seule fois ; absent de la réponse à une demande répétée : le supprimer"
    " alors, et en créer un autre."
)


class SecretAnswer(Answer):
    """A secret of a machine, without the secret itself."""

    secret_id: str
    created_at: datetime
    expires_at: datetime = Field(description="Passé ce moment, il est refusé.")
    expires_soon: bool = Field(description="Il expire dans moins de trente jours, ou l'a fait.")

    @classmethod
    def of(cls, secret: Secret, now: datetime) -> Self:
        """Show a secret."""
        return cls(
            secret_id=secret.id,
            created_at=secret.created_at,
            expires_at=secret.expires_at,
            expires_soon=secret.expires_soon(now),
        )


class NewSecretAnswer(SecretAnswer):
    """A secret that was just made."""

    secret: str | None = Field(default=None, description=_SHOWN_ONCE)


class GrantAnswer(Answer):
    """What a structure grants to a machine."""

    structure_id: str
    scopes: list[str]


class MachineAnswer(Answer):
    """A machine, as a structure that it acts for sees it."""

    client_id: str
    name: str
    owner: str = Field(description="La structure qui l'a créée, et qui en garde les secrets.")
    created_at: datetime
    grants: list[GrantAnswer] = Field(
        description="Ce que chaque structure accorde ; celle qui n'a pas créé la machine ne voit "
        "que ce qu'elle accorde elle-même."
    )
    secrets: list[SecretAnswer] = Field(description="Vide, sauf pour la structure qui l'a créée.")

    @classmethod
    def of(cls, machine: Machine, structure: str, now: datetime) -> Self:
        """Show a machine to a structure."""
        is_owner = machine.owner == structure
        return cls(
            client_id=machine.client_id,
            name=machine.name,
            owner=machine.owner,
            created_at=machine.created_at,
            grants=[
                GrantAnswer(structure_id=each, scopes=[str(scope) for scope in scopes])
                for each, scopes in sorted(machine.grants.items())
                if is_owner or each == structure
            ],
            secrets=[SecretAnswer.of(each, now) for each in machine.secrets if is_owner],
        )


class NewMachineAnswer(MachineAnswer):
    """A machine that was just created, with its first secret."""

    secret: NewSecretAnswer


class MachinesAnswer(Answer):
    """The machines of a structure."""

    machines: list[MachineAnswer]


class TokenAnswer(Answer):
    """A token, as RFC 6749 answers it (5.1)."""

    access_token: str
    token_type: str = "Bearer"  # noqa: S105 - the type of RFC 6750
    expires_in: int = Field(default=LIFE_S, description="Durée de vie, en secondes.")
    scope: str = Field(description="Les portées du jeton, séparées par des espaces.")
    client_secret_expires_at: int = Field(
        description="Quand le secret employé expire, en secondes depuis 1970 (RFC 7591)."
    )

    @classmethod
    def of(cls, issued: Issued) -> Self:
        """Show a token."""
        return cls(
            access_token=issued.token,
            scope=" ".join(map(str, issued.scopes)),
            client_secret_expires_at=int(issued.secret.expires_at.timestamp()),
        )


class TokenErrorAnswer(Answer):
    """A token that is refused, as RFC 6749 answers it (5.2)."""

    error: str
    error_description: str


class KeySetAnswer(Answer):
    """The public keys by which tokens are verified (RFC 7517)."""

    keys: list[dict[str, Any]]
