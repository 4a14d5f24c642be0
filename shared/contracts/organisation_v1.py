"""What `services/organisation` tells: a structure, whole, at each change."""

from typing import ClassVar

from shared.contracts.common_v1 import Part
from shared.contracts.envelope import Payload
from shared.contracts.fields import Identifier, Moment
from shared.vocabulary.roles import IdentifierType, StructureKind, StructureStatus


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
    """The state of a structure, whole."""

    event_type: ClassVar[str] = "fr.aiguillage.structure.etat.v1"

    structure: Identifier
    version: int
    identifier_type: IdentifierType
    identifier: Identifier
    name: str
    kind: StructureKind
    status: StructureStatus
    parameters: ParametersV1
    services: tuple[ServiceV1, ...] = ()
    at: Moment
