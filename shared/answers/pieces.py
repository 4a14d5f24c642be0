"""A piece in an answer, and its parts."""

from typing import Self

from pydantic import BaseModel, ConfigDict

from shared.circuit.amounts import Prevailing
from shared.circuit.parties import Party
from shared.contracts.common_v1 import AmountsV1
from shared.contracts.fields import Difference, Montant
from shared.vocabulary.actors import Actor
from shared.vocabulary.amounts import Change
from shared.vocabulary.labels import ROLES
from shared.vocabulary.roles import Role
from shared.vocabulary.statuses import Status


class Answer(BaseModel):
    """A part of an answer."""

    model_config = ConfigDict(frozen=True)


class StructureAnswer(Answer):
    """A structure."""

    structure: str


class PartyAnswer(StructureAnswer):
    """A structure and its service."""

    service: str | None

    @classmethod
    def of(cls, party: Party) -> Self:
        """Show a party."""
        return cls(structure=party.structure, service=party.service)


class ActorAnswer(PartyAnswer):
    """A structure in a role."""

    role: Role
    role_label: str

    @classmethod
    def of_actor(cls, actor: Actor) -> Self:
        """Show an actor."""
        return cls(
            role=actor.role,
            role_label=ROLES[actor.role],
            structure=actor.structure,
            service=actor.service,
        )


class CadreAnswer(Answer):
    """A cadre with its label."""

    cadre: str
    cadre_label: str


class ChangeAnswer(Answer):
    """A total beside the one of the step before, or beside the one that prevails (`previous`)."""

    field: str
    previous: Montant
    now: Montant
    difference: Difference

    @classmethod
    def of(cls, change: Change) -> Self:
        """Show a change."""
        return cls(
            field=change.field,
            previous=change.previous,
            now=change.now,
            difference=change.difference,
        )


class PrevailingAnswer(Answer):
    """The amounts that hold in a dossier, the piece that states them, and whether for good."""

    piece_id: str
    amounts: AmountsV1
    is_settled: bool

    @classmethod
    def of(cls, prevailing: Prevailing) -> Self:
        """Show the amounts that hold."""
        return cls(
            piece_id=prevailing.piece_id,
            amounts=AmountsV1.of(prevailing.amounts),
            is_settled=prevailing.is_settled,
        )


class StatusAnswer(CadreAnswer):
    """A piece and the status that it has, or once took."""

    dossier_id: str
    piece_id: str
    number: str
    status: Status
    status_label: str


class PieceAnswer(StatusAnswer):
    """A piece, as every service shows it."""

    depositor: ActorAnswer
    follows: str | None
    engagement: str | None
