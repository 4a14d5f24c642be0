"""Commands of the terminal: load SIRENE, roles of the platform, verify the audit trail."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import BinaryIO

from services.organisation.accounts.adapters.mongo import MongoAccounts
from services.organisation.accounts.application.attachments import find_unready_managers
from services.organisation.accounts.application.ports import NOTHING_ASKED, AccountPorts
from services.organisation.accounts.application.registrations import Registrations
from services.organisation.accounts.domain.accounts import Account
from services.organisation.accounts.domain.links import create_token
from services.organisation.audit.adapters.mongo import AuditTrail
from services.organisation.audit.domain.entries import PLATFORM, AuditFault
from services.organisation.structures.adapters.mongo import MongoEstablishments, MongoStructures
from services.organisation.structures.application.declarations import (
    Declarations,
    Outcome,
    Request,
)
from services.organisation.structures.application.sirene_load import LoadReport, SireneLoad
from services.organisation.structures.entrypoints.sirene_file import read_lines
from services.organisation.structures.entrypoints.sirene_report import format_progress
from shared.rights.model import PlatformRole, PrincipalKind, Requester
from shared.runtime.clock import build_clock
from shared.runtime.ids import new_id
from shared.runtime.mail.queue import MailQueue
from shared.runtime.store.database import Store, Transaction
from shared.runtime.store.files import Files
from shared.vocabulary.rules import Violation
from shared.vocabulary.structures import StructureKind

_OPERATOR = Requester(
    user=PLATFORM,
    kind=PrincipalKind.USER,
    name="",
    email=None,
    issuer="",
    token="",
    expires_at=datetime.max.replace(tzinfo=UTC),
    platform_roles=frozenset({PlatformRole.OPERATOR}),
)
"""Who turns a structure public by the command: an operator, at the terminal."""


async def load_sirene(
    file: BinaryIO,
    mongo: str,
    namespace: str,
    level: int,
    *,
    dry_run: bool,
    tell: Callable[[str], None],
) -> LoadReport:
    """Load INSEE's file of establishments. Raises SireneFileError for another file."""
    clock = build_clock()
    async with Store(mongo, "organisation", clock, namespace, level=level) as store:
        await store.read_clock()
        structures = MongoStructures(store, clock)
        declarations = Declarations(structures, clock, new_id)
        load = SireneLoad(structures, MongoEstablishments(store), declarations, PLATFORM)
        return await load.load(
            read_lines(file), dry_run=dry_run, tell=lambda report: tell(format_progress(report))
        )


async def set_platform_role(
    email: str, role: PlatformRole, mongo: str, namespace: str, level: int, *, is_held: bool
) -> Account | Violation:
    """Grant a role of the platform to an address, or withdraw it. Returns what refuses it.

    The relay of a running replica publishes it.
    """
    clock = build_clock()
    async with Store(mongo, "organisation", clock, namespace, level=level) as store:
        await store.read_clock()
        accounts = MongoAccounts(store, MailQueue(clock))
        await accounts.prepare()
        ports = AccountPorts(
            accounts=accounts,
            vault=Files(store, clock),
            clock=clock,
            new_id=new_id,
            create_token=create_token,
            origin="",
            limits=NOTHING_ASKED,
        )
        return await Registrations(ports).set_platform_role(email, role, is_held=is_held)


async def turn_public(
    structure: str, ticket: str, mongo: str, namespace: str, level: int
) -> Outcome:
    """Turn a private structure public, by the decision of an operator.

    The relay of a running replica publishes it.
    """
    clock = build_clock()
    async with Store(mongo, "organisation", clock, namespace, level=level) as store:
        await store.read_clock()
        accounts = MongoAccounts(store, MailQueue(clock))

        async def find_unready(transaction: Transaction, of: str) -> Sequence[str]:
            return await find_unready_managers(accounts.join(transaction), of)

        structures = MongoStructures(store, clock, find_unready_managers=find_unready)
        request = Request(structure, _OPERATOR, lambda _: True, ticket)
        declarations = Declarations(structures, clock, new_id)
        return await declarations.set_identity(request, {"kind": StructureKind.PUBLIQUE})


async def verify_audit(
    entities: Sequence[str], mongo: str, namespace: str
) -> tuple[int, Sequence[AuditFault]]:
    """Verify the audit trail of these entities, or of all. Returns their number, and the faults."""
    async with Store(mongo, "organisation", build_clock(), namespace) as store:
        await store.read_clock()
        trail = AuditTrail(store)
        count, faults = 0, []
        chosen = entities or [each async for each in trail.list_entities()]
        for entity in chosen:
            count += 1
            if fault := await trail.verify(entity):
                faults.append(fault)
        return count, faults
