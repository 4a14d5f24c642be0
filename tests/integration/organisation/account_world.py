"""Use cases of accounts on a real store, without a service around them."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from services.organisation.accounts.adapters.mongo import MongoAccounts
from services.organisation.accounts.application.activations import Activations
from services.organisation.accounts.application.attachments import Attachments
from services.organisation.accounts.application.claims import Claims
from services.organisation.accounts.application.invitations import Invitations
from services.organisation.accounts.application.outcomes import Done, Refused
from services.organisation.accounts.application.persons import Person, build_person
from services.organisation.accounts.application.ports import AccountPorts, Limits
from services.organisation.accounts.application.registrations import Registrations
from services.organisation.accounts.application.reminders import Reminders
from services.organisation.accounts.application.requests import Requests
from services.organisation.accounts.domain.accounts import Account, Roster
from services.organisation.accounts.domain.attachments import Approval
from services.organisation.audit.adapters.mongo import AuditTrail
from services.organisation.structures.adapters.mongo import STRUCTURES
from services.organisation.structures.domain.structure import Declaration, Service, Structure
from shared.rights.model import ManagerRole, PrincipalKind, Requester
from shared.runtime.clock import build_clock
from shared.runtime.ids import new_id
from shared.runtime.mail.queue import KIND, MailQueue
from shared.runtime.store.database import Document, Store
from shared.runtime.store.files import Files
from shared.vocabulary.structures import IdentifierType, StructureKind

LIMITS = Limits(
    remind_after=timedelta(days=7),
    link_life=timedelta(hours=72),
    invitations_a_day=100,
    waiting=500,
    asked=20,
    activations_a_day=3,
)
SIRET = "35600000000048"
NAME = "Ville de Vaubrun"


def a_person(name: str, structure: str | None = None) -> Requester:
    """Build the requester of a person."""
    return Requester(
        user=None,
        kind=PrincipalKind.USER,
        name=name.title(),
        email=f"{name}@vaubrun.fr",
        issuer="https://issuer.exemple.fr",
        token="",
        expires_at=datetime.max.replace(tzinfo=UTC),
        structure=structure,
    )


@dataclass
class AccountWorld:
    """Use cases of accounts, their store, and the tokens that were sent."""

    store: Store
    limits: Limits = LIMITS
    tokens: list[str] = field(default_factory=list)
    skew: timedelta = timedelta(0)

    def __post_init__(self) -> None:
        """Build the use cases."""
        clock = build_clock()
        self.accounts = MongoAccounts(self.store, MailQueue(clock))
        self.ports = AccountPorts(
            accounts=self.accounts,
            vault=Files(self.store, clock),
            clock=lambda: clock() + self.skew,
            new_id=new_id,
            create_token=self._create_token,
            origin="https://aiguillage.exemple.fr",
            limits=self.limits,
        )
        self.registrations = Registrations(self.ports)
        self.attachments = Attachments(self.ports)
        self.requests = Requests(self.ports)
        self.invitations = Invitations(self.ports)
        self.activations = Activations(self.ports)
        self.reminders = Reminders(self.ports)
        self.claims = Claims(self.ports)
        self.trail = AuditTrail(self.store)

    def _create_token(self) -> str:
        self.tokens.append(f"jeton-{len(self.tokens)}")
        return self.tokens[-1]

    async def prepare(self, *structures: str) -> None:
        """Create the indexes, and structures."""
        await self.accounts.prepare()
        for siret in structures or (SIRET,):
            declared = Declaration(
                IdentifierType.SIRET,
                siret,
                NAME,
                StructureKind.PUBLIQUE,
                services=(Service("VOIRIE", "Voirie"),),
            )
            document = STRUCTURES.write(Structure(1, declared), self.store.level)
            await self.store.collection(STRUCTURES.collection).insert_one(
                {"_id": siret, **document}
            )

    async def appoint(self, name: str, structure: str = SIRET) -> Account:
        """Make a person the first main manager of a structure."""
        appointed = await self.accounts.change(
            lambda change: self.registrations.appoint(change, a_person(name), structure)
        )
        assert isinstance(appointed, str), appointed
        return await self.find(name)

    async def attach(
        self, name: str, by: str, manager: ManagerRole | None = None, structure: str = SIRET
    ) -> Account:
        """Attach a person by an invitation."""
        invited = await self.invitations.invite(
            a_person(by), structure, f"{name}@vaubrun.fr", Approval(manager), None
        )
        assert isinstance(invited, Done), invited
        joined = await self.invitations.accept(a_person(name), self.tokens[-1], None)
        assert isinstance(joined, Done), joined
        return await self.find(name)

    async def find(self, name: str) -> Account:
        """Read the account of a person."""
        person = build_person(f"{name}@vaubrun.fr")
        assert isinstance(person, Person)
        found = await self.accounts.find_account(person.identity)
        assert found is not None
        return found

    async def read_roster(self, structure: str = SIRET) -> Roster:
        """Read the roster of a structure."""
        return await self.accounts.change(lambda change: change.load_roster(structure))

    async def list_mails(self) -> Sequence[Document]:
        """List the mails that are queued, oldest first."""
        rows = self.store.collection("jobs").find({"kind": KIND}).sort("key", 1)
        return [row["payload"] async for row in rows]

    async def verify(self) -> None:
        """Check every chain of the audit trail."""
        entities = [each async for each in self.trail.list_entities()]
        assert entities
        assert [fault for each in entities if (fault := await self.trail.verify(each))] == []


def sort_outcomes(outcomes: Sequence[object]) -> list[str]:
    """Name each outcome: done, or the code of its refusal."""
    return sorted(_name_outcome(each) for each in outcomes)


def _name_outcome(outcome: object) -> str:
    match outcome:
        case Done():
            return "done"
        case Refused(violations):
            return violations[0].code
    return repr(outcome)
