"""The event of a structure."""

from datetime import datetime

from services.organisation.structures.domain.structure import (
    Address,
    Declaration,
    Service,
    Structure,
)
from shared.circuit.parties import write_moa_booleans
from shared.contracts.organisation_v1 import (
    AddressV1,
    ParametersV1,
    ServiceV1,
    StructureChanged,
)


def build_state(structure: Structure, at: datetime) -> StructureChanged:
    """Build the event of a structure, which holds all of it but its e-mail."""
    declared = structure.declared
    return StructureChanged(
        structure=structure.id,
        version=structure.version,
        identifier_type=declared.identifier_type,
        identifier=declared.identifier,
        name=declared.name,
        kind=declared.kind,
        status=declared.status,
        parameters=_build_parameters(declared),
        services=tuple(map(_build_service, declared.services)),
        at=at,
        address=_build_address(declared.address),
        pipes=tuple(sorted(declared.pipes)),
    )


def _build_parameters(declared: Declaration) -> ParametersV1:
    parameters = declared.parameters
    est_moa, est_moa_uniquement = write_moa_booleans(parameters.moa)
    return ParametersV1(
        est_moa=est_moa,
        est_moa_uniquement=est_moa_uniquement,
        code_service_obligatoire=parameters.code_service_obligatoire,
        numero_engagement_obligatoire=parameters.numero_engagement_obligatoire,
        engagement_ou_service=parameters.engagement_ou_service,
        mise_en_paiement_non_remontee=parameters.mise_en_paiement_non_remontee,
        recoit_via_edi=declared.receives_by_edi,
    )


def _build_service(service: Service) -> ServiceV1:
    return ServiceV1(
        code=service.code,
        name=service.name,
        active=service.active,
        engagement_obligatoire=service.engagement_obligatoire,
        valid_from=service.valid_from,
        valid_until=service.valid_until,
    )


def _build_address(address: Address | None) -> AddressV1 | None:
    if address is None:
        return None
    return AddressV1(
        street=address.street,
        complement=address.complement,
        postal_code=address.postal_code,
        city=address.city,
        country=address.country,
    )
