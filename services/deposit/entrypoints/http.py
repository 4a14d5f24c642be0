"""The routes of deposit."""

from dataclasses import replace
from typing import Annotated

from fastapi import APIRouter, File, Form, Path, Query, Response, UploadFile
from fastapi.responses import JSONResponse

from services.deposit.application.additions import (
    Addition,
    Completed,
    Completions,
    Invalid,
    NotAwaited,
)
from services.deposit.application.consultations import Absent, Consultations, Download, PieceView
from services.deposit.application.deposits import Deposits, Refused, Submission
from services.deposit.application.openings import Openings
from services.deposit.application.ports import SaturatedError
from services.deposit.entrypoints.answers import (
    CompletionAnswer,
    DepositedPieceAnswer,
    PrefillAnswer,
    TrialAnswer,
)
from services.deposit.entrypoints.opening_answers import OpeningAnswer
from services.deposit.entrypoints.requests import (
    Comment,
    MetadataRequest,
    OpeningQuery,
    read_metadata,
)
from services.deposit.entrypoints.uploads import UploadedPiece
from shared.circuit.statuses import Act
from shared.contracts.public_paths import build_public_path
from shared.contracts.texts import TypedText
from shared.rights.model import Level
from shared.runtime.web.caller import Caller, Who
from shared.runtime.web.idempotency import IdempotencyKey, mark_replay
from shared.runtime.web.problems import (
    Problem,
    build_not_found,
    build_refused,
    build_retry_headers,
    build_unavailable,
)
from shared.runtime.web.request_validation import DescribedRoute
from shared.runtime.web.uploads import Uploaded, build_download
from shared.vocabulary.ids import has_id_form
from shared.vocabulary.roles import SentApplication
from shared.vocabulary.rules import Violation
from shared.vocabulary.statuses import Status

Attachments = Annotated[list[UploadFile] | None, File(description="Pièces jointes")]
Metadata = Annotated[
    str,
    Form(
        description="Ce que le fichier ne dit pas, en JSON",
        json_schema_extra={
            "contentMediaType": "application/json",
            "contentSchema": {
                "$id": "urn:aiguillage:metadata",
                **MetadataRequest.model_json_schema(),
            },
        },
    ),
]
PieceId = Annotated[str, TypedText(100), Path()]
Sha256 = Annotated[str, TypedText(100), Path()]


def create_router(
    deposits: Deposits,
    completions: Completions,
    consultations: Consultations,
    openings: Openings,
) -> APIRouter:
    """Build the routes."""
    routes = APIRouter(route_class=DescribedRoute, tags=["pièces"])
    _add_deposit(routes, deposits, consultations)
    _add_completion(routes, completions)
    _add_consultations(routes, consultations)
    _add_openings(routes, openings)
    _add_downloads(routes, consultations)
    return routes


def _add_deposit(routes: APIRouter, deposits: Deposits, consultations: Consultations) -> None:
    @routes.post(
        "/pieces",
        status_code=201,
        response_model=DepositedPieceAnswer,
        responses={
            200: {"model": TrialAnswer, "description": "With `dry_run=true`: nothing is kept"},
        },
        summary="Deposit a piece, or try it out.",
    )
    async def deposit_piece(
        who: Caller,
        requester: Who,
        file: Annotated[UploadFile, File(description="UBL, CII, Factur-X ou PDF")],
        metadata: Metadata = "{}",
        attachments: Attachments = None,
        dry_run: Annotated[bool, Query()] = False,
        idempotency_key: IdempotencyKey = None,
    ) -> Response:
        submission = replace(
            _build_submission(who, file, attachments or [], metadata, idempotency_key),
            user=requester.user,
            may_issue=requester.may(SentApplication.FACTURES_EMISES, Level.MODIFICATION),
        )
        try:
            if dry_run:
                trial = await deposits.try_out(submission)
                return JSONResponse(
                    TrialAnswer.of(trial).model_dump(mode="json"),
                    headers=build_retry_headers(trial.violations),
                )
            outcome = await deposits.deposit(submission)
        except SaturatedError:
            raise build_unavailable("DEP-503", "Trop de dépôts arrivent à la fois.") from None
        if isinstance(outcome, Refused):
            raise _build_problem(outcome.violations)
        piece = outcome.piece
        shown = await consultations.show_piece(piece.id, who) if outcome.is_replay else None
        # A recycling may have given the caller's place to another one: it sees what it deposited.
        answer = DepositedPieceAnswer.of(
            shown or PieceView(piece, Status.DEPOSEE, piece.draft.parties)
        )
        headers = {"Location": build_public_path("deposit", "pieces", piece.id)}
        response = JSONResponse(answer.model_dump(mode="json"), 201, headers)
        mark_replay(response, is_replay=outcome.is_replay)
        return response


def _add_completion(routes: APIRouter, completions: Completions) -> None:
    async def add(
        act: Act,
        who: Caller,
        user: str | None,
        piece_id: str,
        comment: str | None,
        files: Attachments,
        key: str | None,
        response: Response,
    ) -> CompletionAnswer:
        addition = Addition(
            act=act,
            role=who.role,
            structure=who.structure,
            service=who.service,
            user=user,
            piece_id=piece_id,
            attachments=tuple(Uploaded(each) for each in files or []),
            comment=comment or None,
            key=key,
        )
        match await completions.complete(addition):
            case Completed(piece, completion, rank, is_replay):
                mark_replay(response, is_replay=is_replay)
                return CompletionAnswer.of(piece, completion, rank)
            case NotAwaited(violations):
                raise _build_problem(violations, 409)
            case Invalid(violations):
                raise _build_problem(violations)
            case _:
                raise build_not_found("Pièce", can_be_early=has_id_form(piece_id))

    @routes.post(
        "/pieces/{piece_id}/completion",
        status_code=201,
        summary="Add what a suspended piece lacks.",
    )
    async def complete_piece(
        who: Caller,
        requester: Who,
        piece_id: PieceId,
        response: Response,
        comment: Annotated[Comment | None, Form()] = None,
        attachments: Attachments = None,
        idempotency_key: IdempotencyKey = None,
    ) -> CompletionAnswer:
        key = idempotency_key
        return await add(
            Act.COMPLETER, who, requester.user, piece_id, comment, attachments, key, response
        )

    @routes.post(
        "/pieces/{piece_id}/contestation",
        status_code=201,
        summary="Contest a décompte général, with reasons and files.",
    )
    async def contest_piece(
        who: Caller,
        requester: Who,
        piece_id: PieceId,
        response: Response,
        comment: Annotated[Comment | None, Form()] = None,
        attachments: Attachments = None,
        idempotency_key: IdempotencyKey = None,
    ) -> CompletionAnswer:
        key = idempotency_key
        return await add(
            Act.CONTESTER, who, requester.user, piece_id, comment, attachments, key, response
        )


def _add_consultations(routes: APIRouter, consultations: Consultations) -> None:
    @routes.get("/pieces/{piece_id}", summary="A piece as deposited, and where it stands.")
    async def show_piece(who: Caller, piece_id: PieceId) -> DepositedPieceAnswer:
        shown = await consultations.show_piece(piece_id, who)
        if shown is None:
            raise build_not_found("Pièce", can_be_early=has_id_form(piece_id))
        return DepositedPieceAnswer.of(shown)

    @routes.get("/pieces/{piece_id}/next", summary="Prefill the piece that may follow.")
    async def prefill_next(who: Caller, piece_id: PieceId) -> PrefillAnswer:
        prefill = await consultations.prefill(piece_id, who)
        if prefill is None:
            raise build_not_found("Pièce", can_be_early=has_id_form(piece_id))
        if isinstance(prefill, Violation):
            raise _build_problem((prefill,), 409)
        return PrefillAnswer.of(prefill)


def _add_openings(routes: APIRouter, openings: Openings) -> None:
    @routes.get("/openings", summary="Prefill the piece that opens a dossier of a marché.")
    async def prefill_opening(
        who: Caller, wanted: Annotated[OpeningQuery, Query()]
    ) -> OpeningAnswer:
        opening = await openings.prefill(wanted.to_domain(), who)
        if opening is None:
            raise build_not_found("Fiche du marché", can_be_early=True)
        if isinstance(opening, Violation):
            raise build_refused((opening,))
        return OpeningAnswer.of(opening)


def _add_downloads(routes: APIRouter, consultations: Consultations) -> None:
    @routes.get("/pieces/{piece_id}/file", summary="The deposited file.", response_class=Response)
    async def download_file(who: Caller, piece_id: PieceId) -> Response:
        found = await consultations.download_file(piece_id, who)
        return _build_file_answer(piece_id, found)

    @routes.get(
        "/pieces/{piece_id}/attachments/{sha256}",
        summary="An attachment.",
        response_class=Response,
    )
    async def download_attachment(who: Caller, piece_id: PieceId, sha256: Sha256) -> Response:
        found = await consultations.download_attachment(piece_id, sha256, who)
        return _build_file_answer(piece_id, found)

    @routes.get(
        "/pieces/{piece_id}/certificate",
        summary="The certificate of deposit.",
        response_class=Response,
    )
    async def download_certificate(who: Caller, piece_id: PieceId) -> Response:
        found = await consultations.download_certificate(piece_id, who)
        return _build_file_answer(piece_id, found)

    @routes.get(
        "/pieces/{piece_id}/completions/{rank}/certificate",
        summary="The certificate of a completion.",
        response_class=Response,
    )
    async def download_completion_certificate(
        who: Caller, piece_id: PieceId, rank: int
    ) -> Response:
        found = await consultations.download_certificate(piece_id, who, rank)
        return _build_file_answer(piece_id, found)


def _build_submission(
    who: Caller,
    file: UploadFile,
    attachments: list[UploadFile],
    metadata: str,
    key: str | None,
) -> Submission:
    form = read_metadata(metadata)
    if not isinstance(form, MetadataRequest):
        raise build_refused(form)
    return Submission(
        role=who.role,
        structure=who.structure,
        service=who.service,
        file=UploadedPiece(file),
        attachments=tuple(Uploaded(each) for each in attachments),
        metadata=form.to_domain(),
        metadata_text=form.model_dump_json(exclude_none=True),
        key=key,
    )


def _build_file_answer(piece_id: str, file: Download | Absent) -> Response:
    if file is Absent.PIECE:
        raise build_not_found("Fichier", can_be_early=has_id_form(piece_id))
    if file is Absent.FILE:
        raise build_not_found("Fichier")
    return build_download(file.name, file.media_type, file.content)


def _build_problem(violations: tuple[Violation, ...], status: int = 422) -> Problem:
    return build_refused(violations, 409 if Refused(violations).is_on_its_way else status)
