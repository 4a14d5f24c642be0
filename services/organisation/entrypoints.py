"""HTTP routes of organisation: structures, their parameters, their services."""

from typing import Annotated, Self

from fastapi import APIRouter, Depends, Path, Query, Response, status
from pydantic import BaseModel, ConfigDict, Field

from services.organisation.application import (
    Declarations,
    Missing,
    Outcome,
    Refused,
    Saved,
    Stale,
    Structures,
)
from services.organisation.domain import rules
from services.organisation.domain.structure import Structure
from shared.answers.answer import Answer
from shared.contracts.texts import TypedText
from shared.runtime.web.caller import Caller
from shared.runtime.web.etags import Matching, format_etag
from shared.runtime.web.problems import build_not_found, build_refused
from shared.runtime.web.request_validation import DescribedRoute
from shared.vocabulary.structures import (
    IdentifierType,
    MoaParameter,
    StructureKind,
    StructureStatus,
)

_PAGE_LIMIT = 200
Name = Annotated[str, TypedText(200)]
Code = Annotated[str, TypedText(200)]
Identifier = Annotated[str, TypedText(100)]
_KEPT = "Absent, reste tel quel ; la valeur par défaut est celle d'une création."


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
    recoit_via_edi: bool = False


class ParametersRequest(_Parameters, _ClosedRequest):
    """The parameters of a structure; `moa` has the three values of the portal's screen."""


class ServiceRequest(_ClosedRequest):
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
    parameters: ParametersRequest = Field(
        default=ParametersRequest(), description=f"{_KEPT} De même pour chaque paramètre."
    )
    services: list[DeclaredServiceRequest] = Field(
        default=[], max_length=5000, description=f"{_KEPT} Présent : la liste entière."
    )


class ParametersAnswer(_Parameters, Answer):
    """The parameters of a structure; `moa` has the three values of the portal's screen."""


class ServiceAnswer(Answer):
    """A service of a structure."""

    code: str
    name: str
    active: bool
    engagement_obligatoire: bool


class StructureAnswer(Answer):
    """A structure, with its id and its version."""

    structure_id: str
    version: int
    identifier_type: IdentifierType
    identifier: str
    name: str
    kind: StructureKind
    status: StructureStatus
    parameters: ParametersAnswer
    services: list[ServiceAnswer]

    @classmethod
    def of(cls, structure: Structure) -> Self:
        """Show a structure."""
        declared = structure.declared
        return cls(
            structure_id=structure.id,
            version=structure.version,
            identifier_type=declared.identifier_type,
            identifier=declared.identifier,
            name=declared.name,
            kind=declared.kind,
            status=declared.status,
            parameters=ParametersAnswer.model_validate(declared.parameters),
            services=[ServiceAnswer.model_validate(each) for each in declared.services],
        )


class StructuresAnswer(Answer):
    """A page of a list of structures, by id."""

    structures: list[StructureAnswer]
    next: str | None = Field(description="À redonner dans `after` ; absent sur la dernière page.")


Id = Annotated[Identifier, Path(alias="structure_id", description="SIRET, ou type-identifiant.")]


def require_own(structure: Id, caller: Caller) -> str:
    """Return the id of the structure of the path. Raises a 403 problem for another caller."""
    if caller.structure != structure:
        rule = rules.NOT_YOURS
        raise build_refused(
            [rule.build_violation("X-Structure", caller=caller.structure, structure=structure)],
            status.HTTP_403_FORBIDDEN,
        )
    return structure


Own = Annotated[str, Depends(require_own)]


def create_router(structures: Structures, declaring: Declarations) -> APIRouter:
    """Build the routes."""
    router = APIRouter(route_class=DescribedRoute, prefix="/structures", tags=["structures"])

    @router.get("", summary="Chercher des structures par nom, identifiant et type.")
    async def search_structures(
        _: Caller,
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
    async def read_structure(_: Caller, structure: Id, response: Response) -> StructureAnswer:
        found = await structures.find(structure)
        return _build_answer(Saved(found) if found else Missing(), structure, response)

    @router.put(
        "/{structure_id}",
        summary="Créer la structure pour laquelle on agit, ou la remplacer.",
        responses={201: {"model": StructureAnswer}},
    )
    async def declare_structure(
        structure: Own, matching: Matching, body: DeclarationRequest, response: Response
    ) -> StructureAnswer:
        given = body.model_dump(exclude_unset=True)
        outcome = await declaring.declare(structure, given, matching)
        return _build_answer(outcome, structure, response)

    @router.patch("/{structure_id}/parameters", summary="Changer des paramètres, et eux seuls.")
    async def set_parameters(
        structure: Own, matching: Matching, body: ParametersRequest, response: Response
    ) -> StructureAnswer:
        given = body.model_dump(exclude_unset=True)
        outcome = await declaring.set_parameters(structure, given, matching)
        return _build_answer(outcome, structure, response)

    @router.put(
        "/{structure_id}/services/{code}",
        summary="Ajouter un service, le changer ou le rendre inactif.",
    )
    async def set_service(
        structure: Own, code: Code, matching: Matching, body: ServiceRequest, response: Response
    ) -> StructureAnswer:
        given = {"code": code, **body.model_dump(exclude_unset=True)}
        outcome = await declaring.set_service(structure, given, matching)
        return _build_answer(outcome, structure, response)

    return router


def _build_answer(outcome: Outcome, structure: str, response: Response) -> StructureAnswer:
    match outcome:
        case Saved(kept, is_new):
            response.headers["ETag"] = format_etag(kept.version)
            if is_new:
                response.status_code = status.HTTP_201_CREATED
            return StructureAnswer.of(kept)
        case Stale(violation):
            raise build_refused([violation], status.HTTP_412_PRECONDITION_FAILED)
        case Refused(violations):
            raise build_refused(violations)
        case Missing():
            raise build_not_found(f"Structure {structure}")
