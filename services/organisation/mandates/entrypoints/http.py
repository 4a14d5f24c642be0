"""HTTP routes of mandates, for the structures that give, receive or pay them."""

from typing import Annotated

from fastapi import APIRouter, File, Form, Path, Query, Response, UploadFile, status

from services.organisation.accounts.entrypoints.acts import KeyedAct, Own, UnkeyedAct
from services.organisation.accounts.entrypoints.requests import PageQuery
from services.organisation.mandates.application.mandates import (
    Done,
    MandateRegistry,
    Missing,
    Outcome,
    Refused,
    Terms,
)
from services.organisation.mandates.domain import rules
from services.organisation.mandates.domain.mandates import FiledMandate
from services.organisation.mandates.entrypoints.answers import MandateAnswer, MandatesAnswer
from services.organisation.mandates.entrypoints.requests import (
    ContractNumbers,
    MandateChangeRequest,
)
from shared.contracts.fields import IsoDate
from shared.contracts.texts import TypedText
from shared.runtime.web.etags import Matching, format_etag
from shared.runtime.web.idempotency import mark_replay
from shared.runtime.web.problems import build_not_found, build_refused
from shared.runtime.web.request_validation import DescribedRoute
from shared.runtime.web.uploads import Uploaded, build_download

_STATUSES = {
    rules.NOT_MANDANT.code: status.HTTP_403_FORBIDDEN,
    rules.OVERLAP.code: status.HTTP_409_CONFLICT,
    rules.CLOSED.code: status.HTTP_409_CONFLICT,
    rules.TOO_MANY.code: status.HTTP_409_CONFLICT,
    rules.NOT_YET.code: status.HTTP_409_CONFLICT,
    rules.STALE.code: status.HTTP_412_PRECONDITION_FAILED,
}
_Id = Annotated[str, TypedText(100)]
MandateId = Annotated[_Id, Path(description="L'identifiant du mandat.")]


def create_mandates_router(registry: MandateRegistry) -> APIRouter:
    """Build the routes."""
    router = APIRouter(
        route_class=DescribedRoute, prefix="/structures/{structure_id}/mandates", tags=["mandats"]
    )
    _add_reading_routes(router, registry)
    _add_changing_routes(router, registry)
    return router


def _add_reading_routes(router: APIRouter, registry: MandateRegistry) -> None:
    async def find(structure: str, mandate: str) -> FiledMandate:
        found = await registry.find(structure, mandate)
        if found is None:
            raise build_not_found("Mandat")
        return found

    @router.get("", summary="Les mandats que la structure donne, reçoit ou paie.")
    async def list_mandates(
        structure: Own, wanted: Annotated[PageQuery, Query()]
    ) -> MandatesAnswer:
        found = await registry.list_mandates(structure, wanted.after, wanted.limit + 1)
        page = [MandateAnswer.of(each) for each in found[: wanted.limit]]
        is_last = len(found) <= wanted.limit
        return MandatesAnswer(mandates=page, next=None if is_last else page[-1].mandate_id)

    @router.get("/{mandate_id}", summary="Lire un mandat.")
    async def read_mandate(
        structure: Own, mandate_id: MandateId, response: Response
    ) -> MandateAnswer:
        return _show(await find(structure, mandate_id), response)

    @router.get(
        "/{mandate_id}/file", summary="Lire le fichier d'un mandat.", response_class=Response
    )
    async def download_mandate(structure: Own, mandate_id: MandateId) -> Response:
        filed = await find(structure, mandate_id)
        file = filed.file
        return build_download(file.name, file.media_type, await registry.read_file(filed))


def _add_changing_routes(router: APIRouter, registry: MandateRegistry) -> None:
    @router.post(
        "",
        status_code=201,
        summary="Donner un mandat de maîtrise d'ouvrage à une autre structure.",
        description="La structure est le mandant ; elle joint le mandat signé.",
    )
    async def record_mandate(
        act: KeyedAct,
        delegate: Annotated[_Id, Form(description="La maîtrise d'ouvrage déléguée, publique.")],
        valid_from: Annotated[IsoDate, Form(description="Premier jour, à Paris.")],
        valid_until: Annotated[IsoDate, Form(description="Dernier jour, à Paris, compris.")],
        file: Annotated[UploadFile, File(description="Le mandat signé.")],
        response: Response,
        payer: Annotated[
            _Id | None,
            Form(
                description="La structure dont le service financier rembourse la maîtrise "
                "d'ouvrage déléguée ; absente : le mandant."
            ),
        ] = None,
        contracts: Annotated[
            ContractNumbers | None,
            Form(description="Numéros des marchés que le mandat couvre ; absents : tous."),
        ] = None,
    ) -> MandateAnswer:
        terms = Terms(valid_from, valid_until, contracts)
        outcome = await registry.record(act, delegate, payer, terms, Uploaded(file))
        return _show(_require_done(outcome, response), response)

    @router.patch(
        "/{mandate_id}", summary="Changer les dates ou les marchés d'un mandat : le mandant."
    )
    async def change_mandate(
        act: UnkeyedAct,
        mandate_id: MandateId,
        matching: Matching,
        body: MandateChangeRequest,
        response: Response,
    ) -> MandateAnswer:
        outcome = await registry.change(act, mandate_id, body.read_terms, matching)
        return _show(_require_done(outcome, response), response)

    @router.delete(
        "/{mandate_id}",
        summary="Clore un mandat : le mandant, ou la maîtrise d'ouvrage déléguée.",
        description="Il reste dans la liste, et ne permet plus rien.",
    )
    async def close_mandate(
        act: UnkeyedAct, mandate_id: MandateId, matching: Matching, response: Response
    ) -> MandateAnswer:
        outcome = await registry.close(act, mandate_id, matching)
        return _show(_require_done(outcome, response), response)


def _show(filed: FiledMandate, response: Response) -> MandateAnswer:
    response.headers["ETag"] = format_etag(filed.mandate.version)
    return MandateAnswer.of(filed)


def _require_done(outcome: Outcome, response: Response) -> FiledMandate:
    """Return what was done. Raises the problem of what was not."""
    match outcome:
        case Done(filed, is_replay):
            mark_replay(response, is_replay=is_replay)
            return filed
        case Refused(violations):
            raise build_refused(violations, _STATUSES.get(violations[0].code, 422))
        case Missing():
            raise build_not_found("Mandat")
