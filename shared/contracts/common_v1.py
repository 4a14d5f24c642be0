"""Parts that several payloads hold."""

from typing import Self

from pydantic import BaseModel, ConfigDict

from shared.contracts.fields import Identifier, Montant, Sha256
from shared.vocabulary.amounts import Amounts
from shared.vocabulary.roles import Role


class Part(BaseModel):
    """A part of a payload."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class PartyV1(Part):
    """A structure and, when it has services, the one concerned."""

    structure: Identifier
    service: Identifier | None = None


class PartiesV1(Part):
    """Who takes part in a dossier; absent is who does not act on the platform."""

    titulaire: PartyV1
    moe: PartyV1 | None = None
    moa: PartyV1 | None = None
    service_financier: PartyV1


class ActorV1(Part):
    """The structure that acted, and for which role."""

    role: Role
    structure: Identifier


class AmountsV1(Part):
    """The totals of a piece, in the unit of its currency."""

    ht: Montant
    tva: Montant
    ttc: Montant
    due: Montant

    @classmethod
    def of(cls, amounts: Amounts) -> Self:
        """Put domain amounts on the wire."""
        return cls(ht=amounts.ht, tva=amounts.tva, ttc=amounts.ttc, due=amounts.due)

    def to_domain(self) -> Amounts:
        """Take amounts off the wire."""
        return Amounts(ht=self.ht, tva=self.tva, ttc=self.ttc, due=self.due)


class FileV1(Part):
    """A file by reference: an event never carries its bytes."""

    sha256: Sha256
    size_bytes: int
    name: str
    media_type: str
