"""Parts that several payloads share: parties, amounts, files."""

from typing import Self

from pydantic import BaseModel, ConfigDict

from shared.circuit.parties import Parties, Party
from shared.contracts.fields import Identifier, Montant, Sha256, Size, Version
from shared.vocabulary.amounts import Amounts
from shared.vocabulary.roles import Role


class Part(BaseModel):
    """A part of a payload."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class PartyV1(Part):
    """A structure and, when it has services, the one concerned."""

    structure: Identifier
    service: Identifier | None = None

    @classmethod
    def of(cls, party: Party) -> Self:
        """Build from the domain."""
        return cls(structure=party.structure, service=party.service)

    def to_domain(self) -> Party:
        """Convert to the domain."""
        return Party(self.structure, self.service)


class PartiesV1(Part):
    """Parties of a dossier by role; a role is absent when it does not act on the platform."""

    titulaire: PartyV1
    cotraitant: PartyV1 | None = None
    sous_traitant: PartyV1 | None = None
    moe: PartyV1 | None = None
    moa: PartyV1 | None = None
    service_financier: PartyV1

    @classmethod
    def of(cls, parties: Parties) -> Self:
        """Build from the domain."""
        return cls(**{role.value: PartyV1.of(party) for role, party in parties.list_named()})

    def to_domain(self) -> Parties:
        """Convert to the domain."""
        named = {role.value: getattr(self, role.value) for role in Role}
        return Parties(**{role: party.to_domain() for role, party in named.items() if party})


class ActorV1(Part):
    """Structure that acted, and its role."""

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
        """Build from the domain."""
        return cls(ht=amounts.ht, tva=amounts.tva, ttc=amounts.ttc, due=amounts.due)

    def to_domain(self) -> Amounts:
        """Convert to the domain."""
        return Amounts(ht=self.ht, tva=self.tva, ttc=self.ttc, due=self.due)


class JudgedByV1(Part):
    """A mandate or a sheet in the version by which a deposit was judged."""

    id: Identifier
    version: Version


class FileV1(Part):
    """A file by reference: an event never carries its bytes."""

    sha256: Sha256
    size_bytes: Size
    name: str
    media_type: str
