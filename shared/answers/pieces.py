"""HTTP answer about a piece, and its parts: structures, actors, cadre, status, amounts."""

from typing import Self

from shared.answers.answer import Answer
from shared.circuit.amounts import Prevailing
from shared.circuit.parties import Party
from shared.contracts.common_v1 import AmountsV1
from shared.contracts.fields import Difference, Montant
from shared.vocabulary.actors import Actor
from shared.vocabulary.amounts import Change
from shared.vocabulary.labels import ROLES
from shared.vocabulary.roles import Role
from shared.vocabulary.statuses import Status


class StructureAnswer(Answer):
    """A structure."""

    structure: str


class PartyAnswer(StructureAnswer):
    """A structure and its service."""

    service: str | None

    @classmethod
    def of(cls, party: Party) -> Self:
        """Build from a party."""
        return cls(structure=party.structure, service=party.service)


class ActorAnswer(PartyAnswer):
    """A structure in a role."""

    role: Role
    role_label: str

    @classmethod
    def of_actor(cls, actor: Actor) -> Self:
        """Build from an actor."""
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
    """A total that differs from `previous`: that of the step before, or the prevailing one."""

    field: str
    previous: Montant
    now: Montant
    difference: Difference

    @classmethod
    def of(cls, change: Change) -> Self:
        """Build from a change."""
        return cls(
            field=change.field,
            previous=change.previous,
            now=change.now,
            difference=change.difference,
        )


class PrevailingAnswer(Answer):
    """Prevailing amounts of a dossier, the piece that states them, and whether they are settled."""

    piece_id: str
    amounts: AmountsV1
    is_settled: bool

    @classmethod
    def of(cls, prevailing: Prevailing) -> Self:
        """Build from the prevailing amounts."""
        return cls(
            piece_id=prevailing.piece_id,
            amounts=AmountsV1.of(prevailing.amounts),
            is_settled=prevailing.is_settled,
        )


class StatusAnswer(CadreAnswer):
    """A piece and a status that it has or had."""

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
