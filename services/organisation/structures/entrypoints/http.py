"""HTTP routes of structures: their declaration, parameters, services and pipes."""

from dataclasses import replace
from typing import Annotated, Self

from fastapi import APIRouter, Depends, Path, Query, Response, status
from pydantic import BaseModel, ConfigDict, Field

from services.organisation.structures.application.declarations import (
    Declarations,
    Forbidden,
    Missing,
    Outcome,
    Refused,
    Request,
    Saved,
    Stale,
)
from services.organisation.structures.application.ports import Establishments, Structures
from services.organisation.structures.domain.establishment import Establishment
from services.organisation.structures.domain.structure import FRANCE, Structure
from shared.answers.answer import Answer
from shared.contracts.fields import IsoDate
from shared.contracts.texts import TypedText
from shared.runtime.web.caller import Who
from shared.runtime.web.etags import Matching, format_etag
from shared.runtime.web.problems import build_not_found, build_refused
from shared.runtime.web.request_validation import DescribedRoute
from shared.vocabulary.structures import (
    IdentifierType,
    MoaParameter,
    Pipe,
    StructureKind,
    StructureStatus,
)

_PAGE_LIMIT = 200
Name = Annotated[str, TypedText(200)]
Code = Annotated[str, TypedText(200)]
Identifier = Annotated[str, TypedText(100)]
Text = Annotated[str, TypedText(200)]
_KEPT = "Absent, reste tel quel ; la valeur par défaut est celle d'une création."
_REMOVABLE = "Absent, reste tel quel ; `null` le retire."


class _ClosedRequest(BaseModel):
    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)


class _Parameters(BaseModel):
    moa: MoaParameter = MoaParameter.SANS
    code_service_obligatoire: bool = False
    numero_engagement_obligatoire: bool = False
    engagement_ou_service: bool = Field(
        default=False, description="L'un des deux suffit ; l'emporte sur les deux précédents."
    )
    mise_en_paiement_non_remontee: bool = False
    recoit_via_edi: bool = Field(
        default=False,
        description="Découle des canaux : vrai si l'un d'eux est ouvert. Une autre valeur est "
        "refusée (`ORG-CANAL-01`).",
    )


class ParametersRequest(_Parameters, _ClosedRequest):
    """The parameters of a structure; `moa` has the three values of the portal's screen."""


class _Address(BaseModel):
    street: Text = Field(default="", description="Numéro et voie, ou boîte postale.")
    complement: Text = ""
    postal_code: Annotated[str, TypedText(20)] = ""
    city: Text = ""
    country: Annotated[str, TypedText(2)] = Field(
        default=FRANCE, description="Code du pays, deux lettres (ISO 3166-1)."
    )


class AddressRequest(_Address, _ClosedRequest):
    """The postal address of a structure."""


class _Validity(BaseModel):
    valid_from: IsoDate | None = Field(
        default=None,
        description="Premier jour de validité, à Paris ; avant lui le service est inactif. "
        + _REMOVABLE,
    )
    valid_until: IsoDate | None = Field(
        default=None,
        description="Dernier jour de validité, à Paris ; après lui le service est inactif. "
        + _REMOVABLE,
    )


class ServiceRequest(_Validity, _ClosedRequest):
    """A service without its code, which is in the path."""

    name: Name
    active: bool = Field(default=True, description=_KEPT)
    engagement_obligatoire: bool = Field(default=False, description=_KEPT)


class DeclaredServiceRequest(ServiceRequest):
    """A service of a structure."""

    code: Code


class DeclarationRequest(_ClosedRequest):
    """What a structure declares about itself."""

    identifier_type: IdentifierType
    identifier: Identifier
    name: Name
    kind: StructureKind
    status: StructureStatus = Field(default=StructureStatus.ACTIF, description=_KEPT)
    address: AddressRequest | None = Field(
        default=None,
        description=f"{_REMOVABLE} À la création, absente, celle que SIRENE connaît. De même pour "
        "chaque ligne.",
    )
    email: Annotated[str, TypedText(300)] | None = Field(
        default=None, description=f"Adresse électronique de la structure. {_REMOVABLE}"
    )
    parameters: ParametersRequest = Field(
        default=ParametersRequest(), description=f"{_KEPT} De même pour chaque paramètre."
    )
    services: list[DeclaredServiceRequest] = Field(
        default=[], max_length=5000, description=f"{_KEPT} Présent : la liste entière."
    )


class IdentityRequest(_ClosedRequest):
    """What only an operator changes; what is absent stays as it is."""

    name: Name | None = None
    kind: StructureKind | None = None
    status: StructureStatus | None = None
    ticket: Annotated[str, TypedText(100)] | None = Field(
        default=None, description="Le ticket qui le demande, pour la piste d'audit."
    )


class ParametersAnswer(_Parameters, Answer):
    """The parameters of a structure; `moa` has the three values of the portal's screen."""


class AddressAnswer(_Address, Answer):
    """The postal address of a structure."""


class ServiceAnswer(Answer):
    """A service of a structure."""

    code: str
    name: str
    active: bool = Field(description="Non fermé ; un jour donné, sa validité compte aussi.")
    engagement_obligatoire: bool
    valid_from: IsoDate | None = None
    valid_until: IsoDate | None = None


class StructureAnswer(Answer):
    """A structure, with its id and its version."""

    structure_id: str
    version: int
    identifier_type: IdentifierType
    identifier: str
    name: str
    kind: StructureKind
    status: StructureStatus
    address: AddressAnswer | None
    email: str | None
    parameters: ParametersAnswer
    pipes: list[Pipe] = Field(description="Canaux d'échange de données ouverts.")
    services: list[ServiceAnswer]

    @classmethod
    def of(cls, structure: Structure) -> Self:
        """Show a structure."""
        declared = structure.declared
        parameters = ParametersAnswer.model_validate(
            {
                **{name: getattr(declared.parameters, name) for name in _STATED},
                "recoit_via_edi": declared.receives_by_edi,
            }
        )
        return cls(
            structure_id=structure.id,
            version=structure.version,
            identifier_type=declared.identifier_type,
            identifier=declared.identifier,
            name=declared.name,
            kind=declared.kind,
            status=declared.status,
            address=AddressAnswer.model_validate(declared.address) if declared.address else None,
            email=declared.email,
            parameters=parameters,
            pipes=sorted(declared.pipes),
            services=[ServiceAnswer.model_validate(each) for each in declared.services],
        )


_STATED = tuple(name for name in _Parameters.model_fields if name != "recoit_via_edi")


class StructuresAnswer(Answer):
    """A page of a list of structures, by id."""

    structures: list[StructureAnswer]
    next: str | None = Field(description="À redonner dans `after` ; absent sur la dernière page.")


class EstablishmentAnswer(Answer):
    """What SIRENE says of an establishment, to fill in a form before a structure is created."""

    siret: str
    name: str = Field(description="Vide quand SIRENE n'en a pas, ou ne le diffuse pas.")
    address: AddressAnswer | None
    closed: bool

    @classmethod
    def of(cls, found: Establishment) -> Self:
        """Show an establishment."""
        address = AddressAnswer.model_validate(found.address) if found.address else None
        return cls(siret=found.siret, name=found.name, address=address, closed=found.is_closed)


Id = Annotated[Identifier, Path(alias="structure_id", description="SIRET, ou type-identifiant.")]


def read_request(structure: Id, who: Who, matching: Matching) -> Request:
    """Read which structure is to be changed, by whom, from which version."""
    return Request(structure, who, matching)


Asked = Annotated[Request, Depends(read_request)]


def create_router(
    structures: Structures, establishments: Establishments, declaring: Declarations
) -> APIRouter:
    """Build the routes."""
    router = APIRouter(route_class=DescribedRoute, prefix="/structures", tags=["structures"])
    _add_reading_routes(router, structures, establishments)
    _add_declaring_routes(router, declaring)
    _add_part_routes(router, declaring)
    return router


def _add_reading_routes(
    router: APIRouter, structures: Structures, establishments: Establishments
) -> None:
    @router.get("", summary="Chercher des structures par nom, identifiant et type.")
    async def search_structures(
        query: Annotated[str, TypedText(100, searched=True), Query()] = "",
        kind: StructureKind | None = None,
        after: Annotated[Identifier, Query()] = "",
        limit: Annotated[int, Query(ge=1, le=_PAGE_LIMIT)] = 50,
    ) -> StructuresAnswer:
        found = await structures.search(query, kind, after, limit + 1)
        page = [StructureAnswer.of(each) for each in found[:limit]]
        return StructuresAnswer(
            structures=page, next=page[-1].structure_id if len(found) > limit else None
        )

    @router.get("/{structure_id}", summary="Lire une structure.")
    async def read_structure(structure: Id, response: Response) -> StructureAnswer:
        found = await structures.find(structure)
        return _build_answer(Saved(found) if found else Missing(), structure, response)

    @router.get("/{structure_id}/sirene", summary="Lire ce que SIRENE dit d'un établissement.")
    async def read_establishment(structure: Id) -> EstablishmentAnswer:
        found = await establishments.find(structure)
        if found is None:
            raise build_not_found(f"Établissement {structure}")
        return EstablishmentAnswer.of(found)


def _add_declaring_routes(router: APIRouter, declaring: Declarations) -> None:
    @router.put(
        "/{structure_id}",
        summary="Créer une structure, ou changer ce qu'elle déclare.",
        description="La crée qui s'est connecté avec son SIRET, et en devient le premier "
        "gestionnaire principal, ou un opérateur. La raison sociale, le type et le statut d'une "
        "structure qui existe ne sont changés que par un opérateur.",
        responses={201: {"model": StructureAnswer}},
    )
    async def declare_structure(
        asked: Asked, body: DeclarationRequest, response: Response
    ) -> StructureAnswer:
        outcome = await declaring.declare(asked, body.model_dump(exclude_unset=True))
        return _build_answer(outcome, asked.structure, response)

    @router.patch(
        "/{structure_id}/identity",
        summary="Changer la raison sociale, le type ou le statut : un opérateur.",
        description="Une structure privée devient publique une fois enregistré le compte au PIGP "
        "de chacun de ses gestionnaires, principaux et secondaires.",
    )
    async def set_identity(
        asked: Asked, body: IdentityRequest, response: Response
    ) -> StructureAnswer:
        given = body.model_dump(exclude_none=True, exclude={"ticket"})
        outcome = await declaring.set_identity(replace(asked, ticket=body.ticket), given)
        return _build_answer(outcome, asked.structure, response)


def _add_part_routes(router: APIRouter, declaring: Declarations) -> None:
    @router.patch("/{structure_id}/parameters", summary="Changer des paramètres, et eux seuls.")
    async def set_parameters(
        asked: Asked, body: ParametersRequest, response: Response
    ) -> StructureAnswer:
        outcome = await declaring.set_parameters(asked, body.model_dump(exclude_unset=True))
        return _build_answer(outcome, asked.structure, response)

    @router.put(
        "/{structure_id}/services/{code}",
        summary="Ajouter un service, le changer ou le rendre inactif.",
    )
    async def set_service(
        asked: Asked, code: Code, body: ServiceRequest, response: Response
    ) -> StructureAnswer:
        given = {"code": code, **body.model_dump(exclude_unset=True)}
        return _build_answer(await declaring.set_service(asked, given), asked.structure, response)

    @router.put("/{structure_id}/pipes/{pipe}", summary="Ouvrir un canal d'échange de données.")
    async def open_pipe(asked: Asked, pipe: Pipe, response: Response) -> StructureAnswer:
        outcome = await declaring.turn_pipe(asked, pipe, is_open=True)
        return _build_answer(outcome, asked.structure, response)

    @router.delete("/{structure_id}/pipes/{pipe}", summary="Fermer un canal d'échange de données.")
    async def close_pipe(asked: Asked, pipe: Pipe, response: Response) -> StructureAnswer:
        outcome = await declaring.turn_pipe(asked, pipe, is_open=False)
        return _build_answer(outcome, asked.structure, response)


def _build_answer(outcome: Outcome, structure: str, response: Response) -> StructureAnswer:
    match outcome:
        case Saved(kept, is_new):
            response.headers["ETag"] = format_etag(kept.version)
            if is_new:
                response.status_code = status.HTTP_201_CREATED
            return StructureAnswer.of(kept)
        case Stale(violation):
            raise build_refused([violation], status.HTTP_412_PRECONDITION_FAILED)
        case Forbidden(violations):
            raise build_refused(violations, status.HTTP_403_FORBIDDEN)
        case Refused(violations):
            raise build_refused(violations)
        case Missing():
            raise build_not_found(f"Structure {structure}")
