"""Acting on a piece, and the motives that a refusal may have."""

from collections.abc import Callable
from typing import Annotated, Self

from fastapi import APIRouter, Path, Query
from pydantic import AfterValidator, BaseModel, ConfigDict, model_validator
from pydantic_core import PydanticCustomError

from services.routing.application.journey import list_acts
from services.routing.application.ports import Archive
from services.routing.application.router import Router, TreatmentResult
from services.routing.application.views import view_dossier_of_piece
from services.routing.domain.commands import Correction, Treat
from services.routing.domain.turns import judge_turn
from services.routing.entrypoints.http.answers import show_cadres, show_dossier
from services.routing.entrypoints.http.schemas import DossierOut, MotiveOut, TreatmentsOut
from shared.circuit.motives import find_offered_motives
from shared.circuit.parties import Party
from shared.circuit.rules import TURN_RULE_CODES
from shared.circuit.statuses import TREATMENTS, Act
from shared.contracts.texts import TypedText
from shared.runtime.clock import Clock
from shared.runtime.store.database import Store, Transaction
from shared.runtime.web.caller import Caller
from shared.runtime.web.problems import Problem, not_found, refused
from shared.runtime.web.request_validation import DescribedRoute
from shared.vocabulary.dates import paris_day
from shared.vocabulary.roles import Role
from shared.vocabulary.rules import Violation

PieceId = Annotated[str, TypedText(100), Path()]


def _check_treatment(act: Act) -> Act:
    if act not in TREATMENTS:
        expected = ", ".join(sorted(TREATMENTS))
        raise PydanticCustomError("enum", "not a treatment", {"expected": expected})
    return act


Identifier = Annotated[str, TypedText(100, min_length=1)]


class PartyIn(BaseModel):
    """A structure and its service."""

    model_config = ConfigDict(extra="forbid")

    structure: Identifier
    service: Identifier | None = None


class CorrectionIn(BaseModel):
    """To whom a recycled piece goes, and under which engagement; left out: as before."""

    model_config = ConfigDict(extra="forbid")

    moe: PartyIn | None = None
    moa: PartyIn | None = None
    service_financier: PartyIn | None = None
    engagement: Annotated[str, TypedText(50, min_length=1)] | None = None

    def to_domain(self) -> Correction:
        """Read what is corrected."""
        named = {role: getattr(self, role.value, None) for role in Role}
        parties = {
            role: Party(party.structure, party.service) for role, party in named.items() if party
        }
        return Correction(parties, self.engagement)


class TreatmentIn(BaseModel):
    """An act on a piece, with what explains it."""

    model_config = ConfigDict(extra="forbid")

    act: Annotated[Act, AfterValidator(_check_treatment)]
    motive: Annotated[str, TypedText(100)] | None = None
    comment: Annotated[str, TypedText(10_000, lines=True)] | None = None
    correction: CorrectionIn | None = None
    """What an act `recycler` puts right; no other act has one."""

    @model_validator(mode="after")
    def _only_a_recycling_corrects(self) -> Self:
        if self.correction and self.act is not Act.RECYCLER:
            raise PydanticCustomError("extra_forbidden", "only a recycling corrects")
        return self


def router(
    archive: Archive, store: Store, router_of: Callable[[Transaction], Router], clock: Clock
) -> APIRouter:
    """Build the routes."""
    routes = APIRouter(route_class=DescribedRoute, tags=["traitements"])

    @routes.get("/pieces/{piece_id}/treatments", summary="Les actes permis à l'appelant.")
    async def allowed(piece_id: PieceId, who: Caller) -> TreatmentsOut:
        dossier = await view_dossier_of_piece(archive, piece_id, who)
        if dossier is None:
            raise not_found(f"Pièce {piece_id}")
        turn = judge_turn(dossier, dossier[piece_id], who)
        if isinstance(turn, Violation):
            return TreatmentsOut(piece_id=piece_id, acts=(), cadres=(), reason=turn.message)
        return TreatmentsOut(
            piece_id=piece_id,
            acts=list_acts(dossier, turn.role),
            cadres=tuple(show_cadres(dossier, turn.cadres)),
            reason=None,
        )

    @routes.post("/pieces/{piece_id}/treatments", summary="Traiter une pièce.")
    async def treat(piece_id: PieceId, body: TreatmentIn, who: Caller) -> DossierOut:
        correction = body.correction.to_domain() if body.correction else None
        command = Treat(piece_id, body.act, who, body.motive, body.comment, correction)

        async def work(transaction: Transaction) -> TreatmentResult | None:
            return await router_of(transaction).treat(command)

        treated = await store.transaction(work)
        if treated is None:
            raise not_found(f"Pièce {piece_id}")
        if treated.violations:
            raise _build_problem(treated.violations)
        return show_dossier(treated.journey.dossier)

    @routes.get("/motives", summary="Les motifs de refus d'un cadre, à la date du jour.")
    async def list_motives(cadre: Annotated[str, TypedText(10), Query()]) -> tuple[MotiveOut, ...]:
        return tuple(
            MotiveOut(
                code=motive.code,
                label=motive.label,
                needs_comment=motive.needs_comment,
                blocks=bool(motive.answer),
                answer=motive.answer or None,
            )
            for motive in find_offered_motives(cadre, paris_day(clock()))
        )

    return routes


def _build_problem(violations: tuple[Violation, ...]) -> Problem:
    """Answer 409 for what the state of the dossier forbids, 422 for what the request says wrong."""
    is_state = violations[0].code in TURN_RULE_CODES
    return refused(violations, 409 if is_state else 422)
