"""HTTP routes of a person: one's account, attachments, requests, links that came by e-mail."""

from collections.abc import Mapping
from typing import Annotated

from fastapi import APIRouter, Path, Response

from services.organisation.accounts.application.activations import Activations
from services.organisation.accounts.application.attachments import AttachedUser, Attachments
from services.organisation.accounts.application.invitations import Invitations
from services.organisation.accounts.application.outcomes import Refused
from services.organisation.accounts.application.persons import Person, read_person
from services.organisation.accounts.application.ports import Accounts
from services.organisation.accounts.application.registrations import Registrations
from services.organisation.accounts.application.requests import Requests
from services.organisation.accounts.domain.accounts import Account
from services.organisation.accounts.entrypoints.answers import (
    AccountAnswer,
    ApplicationsAnswer,
    AttachmentAnswer,
    HabilitationRequestAnswer,
)
from services.organisation.accounts.entrypoints.outcomes import require_done
from services.organisation.accounts.entrypoints.requests import (
    HabilitationsAskedRequest,
    Id,
    RegistrationRequest,
    StructureId,
    TokenRequest,
    read_habilitations,
)
from shared.rights.catalogue import list_applications
from shared.rights.model import Requester
from shared.runtime.web.caller import Who
from shared.runtime.web.idempotency import IdempotencyKey
from shared.runtime.web.request_validation import DescribedRoute

_REQUESTS_SHOWN = 100
RequestId = Annotated[Id, Path(alias="request_id")]


def create_me_router(
    accounts: Accounts,
    registrations: Registrations,
    attachments: Attachments,
    requests: Requests,
) -> APIRouter:
    """Build the routes of one's own account."""
    router = APIRouter(route_class=DescribedRoute, tags=["compte"])

    async def show(account: Account) -> AccountAnswer:
        requests = await accounts.list_own_requests(account.id, _REQUESTS_SHOWN)
        return AccountAnswer.of(account, await _find_names(accounts, account), requests)

    @router.get("/me", summary="Lire son compte, ses rattachements et ses habilitations.")
    async def read_account(who: Who, response: Response) -> AccountAnswer:
        person = _require_person(who, response)
        account = await accounts.find_account(person.identity)
        if account is None:
            return AccountAnswer.show_unregistered(person.email, person.name)
        return await show(account)

    @router.post("/me", summary="S'inscrire, ou changer son nom.")
    async def register_person(
        who: Who,
        body: RegistrationRequest,
        response: Response,
        idempotency_key: IdempotencyKey = None,
    ) -> AccountAnswer:
        outcome = await registrations.register(who, body.name, idempotency_key)
        return await show(require_done(outcome, response))

    @router.delete(
        "/me/attachments/{structure_id}",
        summary="Quitter une structure, ou retirer sa demande de rattachement.",
    )
    async def leave_structure(
        who: Who, structure: StructureId, response: Response
    ) -> AttachmentAnswer:
        left = require_done(await attachments.leave(who, structure), response)
        return await _show_own(accounts, left)

    @router.post(
        "/me/habilitation-requests",
        status_code=201,
        summary="Demander des habilitations ; qui décide pour la structure les a aussitôt.",
    )
    async def ask_habilitations(
        who: Who,
        body: HabilitationsAskedRequest,
        response: Response,
        idempotency_key: IdempotencyKey = None,
    ) -> HabilitationRequestAnswer:
        wanted = read_habilitations(body.habilitations)
        outcome = await requests.ask(who, body.structure_id, wanted, idempotency_key)
        asked = require_done(outcome, response)
        return HabilitationRequestAnswer.of(asked, await accounts.find_emails([asked.user]))

    @router.delete(
        "/me/habilitation-requests/{request_id}", summary="Retirer sa demande d'habilitations."
    )
    async def withdraw_request(
        who: Who, request: RequestId, response: Response
    ) -> HabilitationRequestAnswer:
        withdrawn = require_done(await requests.withdraw(who, request), response)
        return HabilitationRequestAnswer.of(withdrawn, await accounts.find_emails([withdrawn.user]))

    return router


def create_links_router(
    accounts: Accounts, invitations: Invitations, activations: Activations
) -> APIRouter:
    """Build the routes of the links that came by e-mail."""
    router = APIRouter(route_class=DescribedRoute, tags=["compte"])

    @router.post("/invitations/acceptance", summary="Accepter une invitation par son lien.")
    async def accept_invitation(
        who: Who, body: TokenRequest, response: Response, idempotency_key: IdempotencyKey = None
    ) -> AttachmentAnswer:
        outcome = await invitations.accept(who, body.token, idempotency_key)
        return await _show_own(accounts, require_done(outcome, response))

    @router.post("/activations", summary="Activer son compte par un lien.")
    async def activate_account(
        who: Who, body: TokenRequest, response: Response, idempotency_key: IdempotencyKey = None
    ) -> AccountAnswer:
        outcome = await activations.activate(who, body.token, idempotency_key)
        account = require_done(outcome, response)
        return AccountAnswer.of(account, await _find_names(accounts, account))

    return router


def create_applications_router() -> APIRouter:
    """Build the route of the catalogue of applications."""
    router = APIRouter(route_class=DescribedRoute, tags=["habilitations"])

    @router.get("/applications", summary="Lister les domaines et leurs applications.")
    async def list_catalogue() -> ApplicationsAnswer:
        return ApplicationsAnswer.of(list_applications())

    return router


async def _show_own(accounts: Accounts, attached: AttachedUser) -> AttachmentAnswer:
    """Show an attachment to the user whose it is."""
    attachment = attached.attachment
    names = await accounts.find_structure_names([attachment.structure])
    return AttachmentAnswer.of(attachment, names)


async def _find_names(accounts: Accounts, account: Account) -> Mapping[str, str]:
    """Find the names of the structures to which an account is, was or asks to be attached."""
    return await accounts.find_structure_names([each.structure for each in account.attachments])


def _require_person(who: Requester, response: Response) -> Person:
    person = read_person(who)
    if isinstance(person, Person):
        return person
    return require_done(Refused((person,)), response)
