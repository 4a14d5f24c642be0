"""Composition root of organisation: one function builds each feature."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from fastapi import APIRouter, FastAPI

from services.organisation.accounts.adapters.mongo import MongoAccounts
from services.organisation.accounts.application.activations import Activations
from services.organisation.accounts.application.attachments import (
    Attachments,
    find_unready_managers,
)
from services.organisation.accounts.application.claims import Claims
from services.organisation.accounts.application.invitations import Invitations
from services.organisation.accounts.application.ports import AccountPorts, Limits
from services.organisation.accounts.application.registrations import Registrations
from services.organisation.accounts.application.reminders import Reminders
from services.organisation.accounts.application.requests import Requests
from services.organisation.accounts.domain.links import create_token
from services.organisation.accounts.entrypoints.attachments import (
    create_attachments_router,
    create_requests_router,
)
from services.organisation.accounts.entrypoints.audit import create_audit_router
from services.organisation.accounts.entrypoints.events import build_activations_handler
from services.organisation.accounts.entrypoints.invitations import create_invitations_router
from services.organisation.accounts.entrypoints.jobs import REMINDERS, build_reminders_work
from services.organisation.accounts.entrypoints.me import (
    create_applications_router,
    create_links_router,
    create_me_router,
)
from services.organisation.accounts.entrypoints.structure_requests import (
    create_structure_requests_router,
)
from services.organisation.audit.adapters.mongo import AuditTrail, record
from services.organisation.audit.domain.entries import PLATFORM, AuditEntry
from services.organisation.machines.adapters.failures import MongoFailures
from services.organisation.machines.adapters.mongo import MongoMachines
from services.organisation.machines.adapters.secrets import RandomSecrets
from services.organisation.machines.application.expiry import ExpiryNotices
from services.organisation.machines.application.machines import MachineRegistry
from services.organisation.machines.application.ports import MachinePorts
from services.organisation.machines.application.tokens import TokenIssuer, TokenPorts
from services.organisation.machines.entrypoints.http import create_machines_router
from services.organisation.machines.entrypoints.jobs import (
    SECRETS,
    build_expiry_finder,
    build_expiry_work,
)
from services.organisation.machines.entrypoints.token_endpoint import create_token_router
from services.organisation.mandates.adapters.mongo import MongoMandates
from services.organisation.mandates.application.mandates import MandateRegistry
from services.organisation.mandates.application.ports import MandatePorts
from services.organisation.mandates.entrypoints.http import create_mandates_router
from services.organisation.settings import Settings
from services.organisation.sheets.adapters.mongo import MongoSheets
from services.organisation.sheets.adapters.workbooks import XlsxWorkbooks
from services.organisation.sheets.application.sheets import SheetRegistry
from services.organisation.sheets.entrypoints.http import create_sheets_router
from services.organisation.structures.adapters.mongo import MongoEstablishments, MongoStructures
from services.organisation.structures.application.declarations import Declarations
from services.organisation.structures.domain.structure import Declaration, Structure
from services.organisation.structures.entrypoints.http import create_router
from shared.contracts.topics import ACTIVATION
from shared.rights.model import Requester
from shared.runtime.ids import new_id
from shared.runtime.jobs.kinds import Finder
from shared.runtime.mail.jobs import run_mails
from shared.runtime.mail.queue import MailQueue
from shared.runtime.mail.sending import MailFailure, Reason
from shared.runtime.service import Runtime
from shared.runtime.store.database import Transaction
from shared.runtime.store.files import Files
from shared.runtime.web.problems import build_refused
from shared.vocabulary.rules import Violation
from shared.vocabulary.structures import IdentifierType, StructureKind

_MAILS = "courriels"
"""Entity of the audit trail for mails that are about nobody in particular."""
_ACTS = {Reason.REFUSED: "refuse", Reason.EXPIRED: "expire"}
"""Acts of the audit trail for mails that were given up."""
_FORM_LIMIT_MB = 12
"""Size limit of a form with a file: one of the largest size, and the form around it."""
_REMIND_S = 600
"""Interval of the search for requests of which managers are to be reminded, in seconds."""


@dataclass(frozen=True, slots=True)
class _Base:
    """Dependencies of every feature."""

    settings: Settings
    runtime: Runtime
    mails: MailQueue
    structures: MongoStructures
    declarations: Declarations
    registrations: Registrations
    ports: AccountPorts
    accounts: MongoAccounts
    files: Files


def build() -> tuple[Runtime, FastAPI]:
    """Build the service, feature by feature."""
    base = _build_base()
    return base.runtime, base.runtime.build_app(
        title="Aiguillage : organisation",
        description="Les structures, leurs utilisateurs et ce que chacun peut y faire.",
        routers=[
            *_build_structures(base),
            *_build_accounts(base),
            *_build_machines(base),
            *_build_mandates(base),
            *_build_sheets(base),
        ],
        uploads={"/structure-requests": _FORM_LIMIT_MB, "/structures": _FORM_LIMIT_MB},
        find_structure=base.structures.find_known,
    )


def _build_base() -> _Base:
    settings = Settings()
    runtime = Runtime("organisation", settings)
    mails = _build_mail(settings, runtime)

    async def appoint(transaction: Transaction, structure: Structure, who: Requester) -> str:
        refused = await registrations.appoint(accounts.join(transaction), who, structure.id)
        if not isinstance(refused, str):
            raise build_refused(refused)
        return refused

    async def declare(
        transaction: Transaction, given: Mapping[str, Any], by: str
    ) -> tuple[Violation, ...]:
        declared = Declaration(
            IdentifierType(given["identifier_type"]),
            given["identifier"],
            given["name"],
            StructureKind(given["kind"]),
        )
        return await declarations.create_for(structures.join(transaction), declared, by)

    async def find_unready(transaction: Transaction, structure: str) -> Sequence[str]:
        return await find_unready_managers(accounts.join(transaction), structure)

    structures = MongoStructures(runtime.store, runtime.clock, appoint, find_unready)
    declarations = Declarations(structures, runtime.clock, new_id)
    accounts = MongoAccounts(runtime.store, mails, declare)
    files = Files(runtime.store, runtime.clock)
    runtime.prepare(files.prepare)
    ports = AccountPorts(
        accounts=accounts,
        vault=files,
        clock=runtime.clock,
        new_id=new_id,
        create_token=create_token,
        origin=settings.public_origin,
        limits=_build_limits(settings),
    )
    registrations = Registrations(ports)
    return _Base(
        settings, runtime, mails, structures, declarations, registrations, ports, accounts, files
    )


def _build_limits(settings: Settings) -> Limits:
    return Limits(
        remind_after=timedelta(hours=settings.remind_after_h),
        link_life=timedelta(hours=settings.link_life_h),
        invitations_a_day=settings.invitations_a_day,
        waiting=settings.waiting_requests,
        asked=settings.asked_requests,
        activations_a_day=settings.activations_a_day,
    )


def _build_mail(settings: Settings, runtime: Runtime) -> MailQueue:
    async def record_failure(failure: MailFailure) -> None:
        entry = AuditEntry(
            entity=failure.entity or _MAILS,
            act=f"courriel.{_ACTS[failure.reason]}",
            by=PLATFORM,
            at=failure.at,
            details={"courriel": failure.mail_id, "code": failure.code},
        )
        await runtime.store.transaction(lambda transaction: record(transaction, [entry]))

    return run_mails(runtime, settings, record_failure)


def _build_structures(base: _Base) -> Sequence[APIRouter]:
    runtime = base.runtime
    runtime.prepare(base.structures.prepare)
    return [create_router(base.structures, MongoEstablishments(runtime.store), base.declarations)]


def _build_accounts(base: _Base) -> Sequence[APIRouter]:
    runtime, accounts, ports = base.runtime, base.accounts, base.ports
    attachments, requests = Attachments(ports), Requests(ports)
    invitations, activations = Invitations(ports), Activations(ports)
    runtime.prepare(accounts.prepare)
    runtime.consume({ACTIVATION: build_activations_handler(activations, accounts.join)})
    runtime.run_jobs(
        REMINDERS,
        build_reminders_work(Reminders(ports), accounts.join),
        Finder(lambda: accounts.find_due_structures(runtime.clock()), _REMIND_S),
    )
    return [
        create_me_router(accounts, base.registrations, attachments, requests),
        create_links_router(accounts, invitations, activations),
        create_applications_router(),
        create_attachments_router(accounts, attachments),
        create_requests_router(accounts, requests),
        create_invitations_router(accounts, invitations),
        create_structure_requests_router(accounts, Claims(ports), base.files),
        create_audit_router(AuditTrail(runtime.store)),
    ]


def _build_machines(base: _Base) -> Sequence[APIRouter]:
    settings, runtime = base.settings, base.runtime

    async def list_main_managers(transaction: Transaction, structure: str) -> Mapping[str, str]:
        change = base.accounts.join(transaction)
        roster = await change.load_roster(structure)
        found = [await change.load_account(each) for each in sorted(roster.main_managers)]
        return {each.id: each.email for each in found if each is not None and each.is_active}

    async def find_name(transaction: Transaction, structure: str) -> str:
        found = await base.accounts.join(transaction).find_structure(structure)
        return found.declared.name if found else structure

    machines = MongoMachines(runtime.store, base.mails, list_main_managers, find_name)
    failures = MongoFailures(runtime.store, runtime.clock, settings.token_failures)
    ports = MachinePorts(
        machines=machines,
        secrets=RandomSecrets(),
        clock=runtime.clock,
        new_id=new_id,
        secret_life=timedelta(days=settings.machine_secret_days),
        origin=settings.public_origin,
    )
    keys, notices = settings.keys, ExpiryNotices(ports)
    issuer = TokenIssuer(
        TokenPorts(
            machines=machines,
            secrets=ports.secrets,
            failures=failures,
            signer=keys if keys.can_sign else None,
            issuer=settings.issuer_url,
            clock=runtime.clock,
            new_id=new_id,
        )
    )
    runtime.prepare(machines.prepare)
    runtime.prepare(failures.prepare)
    runtime.run_jobs(SECRETS, build_expiry_work(notices), build_expiry_finder(notices))
    return [
        create_machines_router(MachineRegistry(ports), runtime.clock),
        create_token_router(issuer, keys.publish()),
    ]


def _build_mandates(base: _Base) -> Sequence[APIRouter]:
    runtime, accounts = base.runtime, base.accounts
    mandates = MongoMandates(runtime.store)

    async def find_referenced_files(files: Iterable[str]) -> set[str]:
        wanted = set(files)
        proofs = await accounts.find_referenced_files(wanted)
        return proofs | await mandates.find_referenced_files(wanted)

    runtime.prepare(mandates.prepare)
    runtime.sweep_files(base.files, find_referenced_files)
    ports = MandatePorts(mandates, base.files, runtime.clock, new_id)
    return [create_mandates_router(MandateRegistry(ports))]


def _build_sheets(base: _Base) -> Sequence[APIRouter]:
    runtime = base.runtime
    sheets = MongoSheets(runtime.store)
    runtime.prepare(sheets.prepare)
    registry = SheetRegistry(sheets, runtime.clock, new_id)
    return [create_sheets_router(sheets, registry, XlsxWorkbooks())]
