"""Bodies of the requests of accounts, and the types of their texts."""

from typing import Annotated, Literal, Self

from fastapi import Path, Query
from pydantic import BaseModel, ConfigDict, Field
from pydantic import model_validator as validator

from services.organisation.accounts.application.ports import Search
from services.organisation.accounts.domain.attachments import Approval
from services.organisation.accounts.domain.habilitations import Habilitations
from shared.contracts.texts import TypedText
from shared.rights.model import Habilitation, Level, ManagerRole

_PAGE_LIMIT = 200
_LIST_LIMIT = 200
"""Limit of a list of habilitations that is read; a rule refuses a shorter one."""
Id = Annotated[str, TypedText(100)]
StructureId = Annotated[Id, Path(alias="structure_id", description="SIRET, ou type-identifiant.")]
UserId = Annotated[Id, Path(alias="user_id", description="Identifiant du compte.")]
Email = Annotated[str, TypedText(300)]
Token = Annotated[str, TypedText(200)]
Reason = Annotated[str, TypedText(1000, lines=True)]


class _ClosedRequest(BaseModel):
    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)


class RegistrationRequest(_ClosedRequest):
    """Registration of oneself, or another name for one's account."""

    name: Annotated[str, TypedText(200, min_length=1)] | None = Field(
        default=None, description="Absent : le nom que donne le jeton, ou celui d'avant."
    )


class HabilitationRequest(_ClosedRequest):
    """A habilitation: a level on an application, for one service or for all."""

    application: Id
    level: Level
    service: Id | None = Field(
        default=None, description="Code du service ; absent, l'habilitation vaut pour tous."
    )

    def to_domain(self) -> Habilitation:
        """Convert to the domain."""
        return Habilitation(self.application, self.level, self.service)


HabilitationList = Annotated[list[HabilitationRequest], Field(max_length=_LIST_LIMIT)]


def read_habilitations(requests: list[HabilitationRequest]) -> Habilitations:
    """Convert a list of habilitations to the domain."""
    return tuple(each.to_domain() for each in requests)


class HabilitationsRequest(_ClosedRequest):
    """All habilitations of a user in a structure."""

    habilitations: HabilitationList


class HabilitationsAskedRequest(_ClosedRequest):
    """Habilitations that a user asks for."""

    structure_id: Id
    habilitations: Annotated[list[HabilitationRequest], Field(min_length=1, max_length=_LIST_LIMIT)]


class DecisionRequest(_ClosedRequest):
    """Decision about a request."""

    decision: Literal["approuver", "refuser"]
    reason: Reason = Field(default="", description="Motif : obligatoire pour refuser.")

    @property
    def is_approval(self) -> bool:
        """Whether the request is approved."""
        return self.decision == "approuver"


class _Approval(_ClosedRequest):
    manager: ManagerRole | None = Field(
        default=None, description="Gestionnaire principal ou secondaire ; absent : utilisateur."
    )
    habilitations: HabilitationList | None = Field(
        default=None,
        description="Absentes : modification partout pour un gestionnaire, consultation partout "
        "pour un utilisateur.",
    )

    def to_approval(self) -> Approval:
        """Convert to the domain."""
        given = self.habilitations
        return Approval(self.manager, None if given is None else read_habilitations(given))


class AttachmentDecisionRequest(DecisionRequest, _Approval):
    """Decision about a request to be attached, with what an approval gives."""

    @validator(mode="after")
    def _check_refusal(self) -> Self:
        if not self.is_approval and self.model_fields_set & {"manager", "habilitations"}:
            raise ValueError("a refusal gives nothing")
        return self


class ManagerRequest(_ClosedRequest):
    """Role of a user as a manager of a structure."""

    manager: ManagerRole | None


class PublicManagementAccountRequest(_ClosedRequest):
    """Whether a user has an account on the PIGP."""

    held: bool = Field(description="Vrai : la personne a un compte au PIGP.")


class InvitationRequest(_Approval):
    """Invitation to a structure."""

    email: Email


class TokenRequest(_ClosedRequest):
    """Token of a link that was sent by e-mail."""

    token: Token


class PageQuery(_ClosedRequest):
    """Page of a list."""

    after: Id = Field(default="", description="Le `next` de la page d'avant.")
    limit: int = Field(default=50, ge=1, le=_PAGE_LIMIT)

    def to_search(self) -> Search:
        """Convert to the domain, for one line more than the page holds."""
        return Search(self.after, self.limit + 1)


Page = Annotated[PageQuery, Query()]
