"""HTTP routes of machines, for the main managers of a structure."""

from collections.abc import Callable
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Path, Response, status

from services.organisation.accounts.domain.rules import KEY_REUSED
from services.organisation.accounts.entrypoints.acts import KeyedAct, Own, UnkeyedAct
from services.organisation.machines.application.machines import (
    Done,
    KeyReused,
    MachineRegistry,
    Missing,
    Outcome,
    Refused,
)
from services.organisation.machines.domain import rules
from services.organisation.machines.entrypoints.answers import (
    MachineAnswer,
    MachinesAnswer,
    NewMachineAnswer,
    NewSecretAnswer,
)
from services.organisation.machines.entrypoints.requests import GrantRequest, MachineRequest
from shared.contracts.texts import TypedText
from shared.runtime.web.idempotency import mark_replay
from shared.runtime.web.problems import build_not_found, build_refused
from shared.runtime.web.request_validation import DescribedRoute

_FORBIDDEN = frozenset({rules.NOT_MAIN_MANAGER.code, rules.NOT_OWNER.code})
_CONFLICTS = frozenset(
    {rules.TOO_MANY.code, rules.TOO_MANY_STRUCTURES.code, rules.TOO_MANY_SECRETS.code}
)

_Text = TypedText(100)
ClientId = Annotated[str, _Text, Path(description="L'identifiant de la machine.")]
SecretId = Annotated[str, _Text, Path()]


def create_machines_router(registry: MachineRegistry, clock: Callable[[], datetime]) -> APIRouter:
    """Build the routes."""
    router = APIRouter(
        route_class=DescribedRoute,
        prefix="/structures/{structure_id}/machines",
        tags=["machines"],
    )

    @router.get("", summary="Les machines de la structure, et celles d'autres qu'elle habilite.")
    async def list_machines(structure: Own) -> MachinesAnswer:
        found = await registry.list_machines(structure)
        return MachinesAnswer(
            machines=[MachineAnswer.of(each, structure, clock()) for each in found]
        )

    @router.post("", summary="Créer une machine et son premier secret.", status_code=201)
    async def create_machine(
        act: KeyedAct, body: MachineRequest, response: Response
    ) -> NewMachineAnswer:
        done = _require_done(await registry.create(act, body.name, body.scopes))
        mark_replay(response, is_replay=done.is_replay)
        shown = MachineAnswer.of(done.machine, act.structure, clock())
        return NewMachineAnswer(**shown.model_dump(), secret=_show_secret(done, clock()))

    @router.put("/{client_id}", summary="Accorder à une machine des portées de la structure.")
    async def grant_scopes(
        act: UnkeyedAct, client_id: ClientId, body: GrantRequest
    ) -> MachineAnswer:
        done = _require_done(await registry.grant(act, client_id, body.scopes))
        return MachineAnswer.of(done.machine, act.structure, clock())

    @router.delete(
        "/{client_id}",
        summary="Supprimer une machine de la structure, ou lui retirer ce que celle-ci accorde.",
        status_code=204,
    )
    async def withdraw_machine(act: UnkeyedAct, client_id: ClientId) -> None:
        _require_done(await registry.withdraw(act, client_id))

    @router.post(
        "/{client_id}/secrets", summary="Créer un second secret d'une machine.", status_code=201
    )
    async def create_secret(
        act: KeyedAct, client_id: ClientId, response: Response
    ) -> NewSecretAnswer:
        done = _require_done(await registry.add_secret(act, client_id))
        mark_replay(response, is_replay=done.is_replay)
        return _show_secret(done, clock())

    @router.delete(
        "/{client_id}/secrets/{secret_id}", summary="Supprimer un secret.", status_code=204
    )
    async def delete_secret(act: UnkeyedAct, client_id: ClientId, secret_id: SecretId) -> None:
        _require_done(await registry.remove_secret(act, client_id, secret_id))

    return router


def _require_done(outcome: Outcome) -> Done:
    """Return what was done. Raises the problem of what was not."""
    match outcome:
        case Done():
            return outcome
        case Refused(violations):
            code = violations[0].code
            if code in _FORBIDDEN:
                raise build_refused(violations, status.HTTP_403_FORBIDDEN)
            if code in _CONFLICTS:
                raise build_refused(violations, status.HTTP_409_CONFLICT)
            raise build_refused(violations)
        case KeyReused():
            raise build_refused([KEY_REUSED.build_violation("Idempotency-Key")])
        case Missing(what):
            raise build_not_found(what)


def _show_secret(done: Done, now: datetime) -> NewSecretAnswer:
    """Show a secret, in clear the first time. Raises a 404 problem for one removed meanwhile."""
    if done.secret is None:
        raise build_not_found("Secret")
    shown = NewSecretAnswer.of(done.secret, now)
    return shown.model_copy(update={"secret": done.text})
