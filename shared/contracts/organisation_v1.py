"""Events of `services/organisation`: the whole state of a structure, at each change."""

from typing import ClassVar

from shared.circuit.parties import Service, Structure, read_moa_parameter
from shared.contracts.common_v1 import Part
from shared.contracts.envelope import Payload
from shared.contracts.fields import Identifier, Moment, Version
from shared.vocabulary.structures import IdentifierType, StructureKind, StructureStatus
from shared.vocabulary.texts import make_one_line, normalise_nfc


class ParametersV1(Part):
    """The parameters of a public structure; the MOA parameter is two booleans, as on the portal."""

    est_moa: bool = False
    est_moa_uniquement: bool = False
    code_service_obligatoire: bool = False
    numero_engagement_obligatoire: bool = False
    engagement_ou_service: bool = False
    """Either is enough; overrides the two above."""
    mise_en_paiement_non_remontee: bool = False
    recoit_via_edi: bool = False


class ServiceV1(Part):
    """A service of a structure."""

    code: Identifier
    name: str
    active: bool = True
    engagement_obligatoire: bool = False


class StructureChanged(Payload):
    """The full state of a structure."""

    event_type: ClassVar[str] = "fr.aiguillage.structure.etat.v1"
    entity: ClassVar[str | None] = "structure"

    structure: Identifier
    version: Version
    identifier_type: IdentifierType
    identifier: Identifier
    name: str
    kind: StructureKind
    status: StructureStatus
    parameters: ParametersV1
    services: tuple[ServiceV1, ...] = ()
    at: Moment

    def to_domain(self) -> Structure:
        """Convert to the domain.

        Raises ValueError for a MOA parameter whose two booleans contradict each other.
        """
        parameters = self.parameters
        return Structure(
            id=self.structure,
            kind=self.kind,
            status=self.status,
            moa=read_moa_parameter(
                est_moa=parameters.est_moa, est_moa_uniquement=parameters.est_moa_uniquement
            ),
            version=self.version,
            code_service_obligatoire=parameters.code_service_obligatoire,
            numero_engagement_obligatoire=parameters.numero_engagement_obligatoire,
            engagement_ou_service=parameters.engagement_ou_service,
            mise_en_paiement_non_remontee=parameters.mise_en_paiement_non_remontee,
            services={
                normalise_nfc(service.code): Service(service.active, service.engagement_obligatoire)
                for service in self.services
            },
            name=make_one_line(self.name),
        )
