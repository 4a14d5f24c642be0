"""HTTP routes of treatments: acts on a piece, motives of a refusal."""

from collections.abc import Callable
from typing import Annotated

from fastapi import APIRouter, Path, Query, Response

from services.routing.application.journey import list_acts
from services.routing.application.ports import Dossiers
from services.routing.application.router import Router, TreatmentResult
from services.routing.application.views import view_dossier_of_piece, view_whole
from services.routing.domain.commands import Treat
from services.routing.domain.turns import judge_turn
from services.routing.entrypoints.http.answers import (
    DossierAnswer,
    MotiveAnswer,
    TreatmentsAnswer,
    show_cadres,
)
from services.routing.entrypoints.http.requests import TreatmentRequest
from shared.application.idempotency import build_key, name_owner, serialize_request
from shared.circuit.cadres import judge_asked
from shared.circuit.motives import find_offered_motives
from shared.circuit.rules import TURN_RULE_CODES
from shared.contracts.texts import TypedText
from shared.runtime.clock import Clock
from shared.runtime.store.database import Store, Transaction
from shared.runtime.store.idempotency_keys import transact_once
from shared.runtime.web.caller import Caller, Who
from shared.runtime.web.idempotency import IdempotencyKey, mark_replay
from shared.runtime.web.problems import (
    Problem,
    build_form_violation,
    build_not_found,
    build_refused,
)
from shared.runtime.web.request_validation import DescribedRoute
from shared.vocabulary.dates import find_paris_day
from shared.vocabulary.ids import has_id_form
from shared.vocabulary.rules import Violation

PieceId = Annotated[str, TypedText(100), Path()]


def create_router(
    dossiers: Dossiers,
    store: Store,
    build_router: Callable[[Transaction], Router],
    clock: Clock,
    level: int,
) -> APIRouter:
    """Build the routes."""
    routes = APIRouter(route_class=DescribedRoute, tags=["traitements"])

    @routes.get("/pieces/{piece_id}/treatments", summary="Les actes permis à l'appelant.")
    async def list_treatments(piece_id: PieceId, who: Caller) -> TreatmentsAnswer:
        dossier = await view_dossier_of_piece(dossiers, piece_id, who)
        if dossier is None:
            raise build_not_found(f"Pièce {piece_id}", can_be_early=has_id_form(piece_id))
        turn = judge_turn(dossier, dossier[piece_id], who)
        if isinstance(turn, Violation):
            return TreatmentsAnswer(piece_id=piece_id, acts=(), cadres=(), reason=turn.message)
        return TreatmentsAnswer(
            piece_id=piece_id,
            acts=list_acts(dossier, turn.role, level),
            cadres=show_cadres(dossier, turn.cadres),
            reason=None,
        )

    @routes.post("/pieces/{piece_id}/treatments", summary="Traiter une pièce.")
    async def treat_piece(
        piece_id: PieceId,
        body: TreatmentRequest,
        who: Caller,
        requester: Who,
        response: Response,
        idempotency_key: IdempotencyKey = None,
    ) -> DossierAnswer:
        correction = body.correction.to_domain() if body.correction else None
        command = Treat(piece_id, body.act, who, body.motive, body.comment, correction)

        key = await build_key(name_owner(who), idempotency_key, serialize_request(command), ())

        async def work(transaction: Transaction) -> TreatmentResult | None:
            return await build_router(transaction).treat(command, key, requester.user)

        treated = await transact_once(store, work)
        if treated is None:
            raise build_not_found(f"Pièce {piece_id}", can_be_early=has_id_form(piece_id))
        if treated.violations:
            raise _build_problem(treated.violations)
        mark_replay(response, is_replay=treated.is_replay)
        return DossierAnswer.of(await view_whole(dossiers, treated.journey.dossier), level)

    @routes.get("/motives", summary="Les motifs de refus d'un cadre, à la date du jour.")
    async def list_motives(
        cadre: Annotated[str, TypedText(10), Query()],
    ) -> tuple[MotiveAnswer, ...]:
        if violations := _judge_cadre(cadre):
            raise build_refused(violations)
        return tuple(map(MotiveAnswer.of, find_offered_motives(cadre, find_paris_day(clock()))))

    return routes


def _judge_cadre(cadre: str) -> tuple[Violation, ...]:
    """Check that a cadre by which motives are asked is there, and exists."""
    if not cadre:
        return (build_form_violation(["cadre"], "missing", {}),)
    return judge_asked(cadre)


def _build_problem(violations: tuple[Violation, ...]) -> Problem:
    """Build the problem: 409 when the state of the dossier forbids the act, otherwise 422."""
    is_state = violations[0].code in TURN_RULE_CODES
    return build_refused(violations, 409 if is_state else 422)
