"""HTTP routes of the requests of structures with a proof, which an operator decides."""

from typing import Annotated

from fastapi import APIRouter, File, Form, Path, Query, Response, UploadFile

from services.organisation.accounts.application.claims import Claims
from services.organisation.accounts.application.outcomes import Outcome
from services.organisation.accounts.application.persons import Person, read_person
from services.organisation.accounts.application.ports import Accounts
from services.organisation.accounts.domain.claims import Claim
from services.organisation.accounts.domain.requests import RequestStatus
from services.organisation.accounts.entrypoints.answers import (
    StructureRequestAnswer,
    StructureRequestsAnswer,
)
from services.organisation.accounts.entrypoints.outcomes import require_done
from services.organisation.accounts.entrypoints.requests import DecisionRequest, Id, PageQuery
from services.organisation.structures.domain.judgement import judge
from services.organisation.structures.domain.structure import Declaration
from shared.application.uploads import FileStore
from shared.contracts.texts import TypedText
from shared.runtime.web.caller import Who
from shared.runtime.web.idempotency import IdempotencyKey
from shared.runtime.web.problems import build_not_found, build_refused
from shared.runtime.web.request_validation import DescribedRoute
from shared.runtime.web.uploads import Uploaded, build_download
from shared.vocabulary.structures import IdentifierType, StructureKind

RequestId = Annotated[Id, Path(alias="request_id")]
Proof = Annotated[
    UploadFile, File(description="Justificatif : extrait Kbis, délibération, avis SIRENE.")
]


class StructureRequestsQuery(PageQuery):
    """Page of the requests of structures."""

    status: RequestStatus | None = None


def create_structure_requests_router(
    accounts: Accounts, claims: Claims, vault: FileStore
) -> APIRouter:
    """Build the routes of the requests of structures."""
    router = APIRouter(
        route_class=DescribedRoute, prefix="/structure-requests", tags=["structures"]
    )

    async def show(outcome: Outcome[Claim], response: Response) -> StructureRequestAnswer:
        claim = require_done(outcome, response)
        return StructureRequestAnswer.of(claim, await accounts.find_emails([claim.user]))

    @router.post(
        "",
        status_code=201,
        summary="Demander la création ou la gestion d'une structure, avec un justificatif.",
    )
    async def request_structure(
        who: Who,
        identifier_type: Annotated[IdentifierType, Form()],
        identifier: Annotated[str, TypedText(100), Form()],
        name: Annotated[str, TypedText(200), Form()],
        kind: Annotated[StructureKind, Form()],
        proof: Proof,
        response: Response,
        idempotency_key: IdempotencyKey = None,
    ) -> StructureRequestAnswer:
        declared = Declaration(identifier_type, identifier, name, kind)
        if violations := judge(declared, declared.structure):
            raise build_refused(violations)
        given = {
            "identifier_type": identifier_type.value,
            "identifier": identifier,
            "name": name,
            "kind": kind.value,
        }
        outcome = await claims.ask(who, declared.structure, given, Uploaded(proof), idempotency_key)
        return await show(outcome, response)

    @router.get("", summary="Lister ses demandes de structure ; un opérateur les voit toutes.")
    async def list_structure_requests(
        who: Who, wanted: Annotated[StructureRequestsQuery, Query()]
    ) -> StructureRequestsAnswer:
        user = None
        if not who.is_operator:
            person = read_person(who)
            identity = person.identity if isinstance(person, Person) else ""
            account = await accounts.find_account(identity)
            if account is None:
                return StructureRequestsAnswer(requests=[], next=None)
            user = account.id
        found = await accounts.list_claims(user, wanted.status, wanted.to_search())
        page = found[: wanted.limit]
        people = await accounts.find_emails({each.user for each in page})
        is_last = len(found) <= wanted.limit
        return StructureRequestsAnswer(
            requests=[StructureRequestAnswer.of(each, people) for each in page],
            next=None if is_last else page[-1].id,
        )

    @router.get(
        "/{request_id}/proof",
        summary="Lire le justificatif d'une demande.",
        response_class=Response,
    )
    async def download_proof(_: Who, request: RequestId) -> Response:
        claim = await accounts.find_claim(request)
        if claim is None:
            raise build_not_found("Demande")
        proof = claim.proof
        return build_download(proof.name, proof.media_type, await vault.get(proof.sha256))

    @router.post("/{request_id}/decision", summary="Accorder ou refuser une structure.")
    async def decide_structure_request(
        who: Who,
        request: RequestId,
        body: DecisionRequest,
        response: Response,
        idempotency_key: IdempotencyKey = None,
    ) -> StructureRequestAnswer:
        outcome = await claims.decide(
            who, request, body.reason, idempotency_key, is_approved=body.is_approval
        )
        return await show(outcome, response)

    return router
