"""Who asks: the person of a token, and the account that the transaction reads or registers."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from services.organisation.accounts.application.messages import build_state
from services.organisation.accounts.application.ports import AccountChange, AccountPorts
from services.organisation.accounts.domain import rules
from services.organisation.accounts.domain.accounts import Account, Decider, Roster
from services.organisation.accounts.domain.attachments import Decided
from services.organisation.audit.domain.entries import AuditEntry, Detail
from services.organisation.structures.domain import rules as structure_rules
from services.organisation.structures.domain.structure import Structure
from shared.application.idempotency import Key, build_key, serialize_request
from shared.application.uploads import Upload
from shared.rights.identity import compute_identity, normalise_email
from shared.rights.model import PrincipalKind, Requester
from shared.vocabulary.emails import is_email
from shared.vocabulary.rules import Violation


@dataclass(frozen=True, slots=True)
class Person:
    """Person of a token: a verified e-mail address, whether it has an account or not."""

    email: str
    identity: str
    name: str

    @property
    def key_owner(self) -> str:
        """Owner of the idempotency keys of this person."""
        return f"user:{self.identity}"


def read_person(requester: Requester) -> Person | Violation:
    """Read the person of a request; a machine is refused."""
    if requester.kind is not PrincipalKind.USER or requester.email is None:
        return rules.PEOPLE_ONLY.build_violation("Authorization")
    return build_person(requester.email, requester.name)


def build_person(address: str, name: str = "") -> Person | Violation:
    """Build the person of an address."""
    email = normalise_email(address)
    if not is_email(email):
        return rules.EMAIL_SHAPE.build_violation("email", email=email)
    return Person(email, compute_identity(PrincipalKind.USER, email), name)


def judge_issuer(requester: Requester, structure: Structure) -> tuple[Violation, ...]:
    """Judge whether the issuer of a token may speak for a structure of this kind.

    Access control does so where the path names the structure; here it is in the body, or the route
    asks for no more than a token.
    """
    kind = structure.declared.kind
    if kind in requester.kinds:
        return ()
    rule = structure_rules.KIND_NOT_OF_ISSUER
    return (rule.build_violation("structure_id", kind=kind.value.lower()),)


async def build_person_key(
    person: Person, key: str | None, *parts: object, uploads: tuple[Upload, ...] = ()
) -> Key | None:
    """Build the idempotency key of a person's request."""
    return await build_key(person.key_owner, key, serialize_request(*parts), uploads)


async def build_requester_key(requester: Requester, key: str | None, *parts: object) -> Key | None:
    """Build the idempotency key of a request of a person or of a machine."""
    person = read_person(requester)
    owner = person.key_owner if isinstance(person, Person) else f"machine:{requester.client}"
    return await build_key(owner, key, serialize_request(*parts), ())


async def open_account(
    change: AccountChange, ports: AccountPorts, person: Person, act: str = "compte.cree"
) -> Account | Violation:
    """Read the account of a person, or register it: its address is verified by the issuer."""
    found = await change.find_account(person.identity)
    if found is not None:
        return found if found.is_active else rules.ACCOUNT_CLOSED.build_violation("Authorization")
    now = ports.clock()
    account = Account(
        id=ports.new_id(),
        email=person.email,
        identity=person.identity,
        name=person.name,
        created_at=now,
    )
    await save_account(change, ports, account)
    await change.record([AuditEntry(account.id, act, account.id, now)])
    return account


async def save_account(change: AccountChange, ports: AccountPorts, account: Account) -> None:
    """Write an account, and publish what it may do."""
    await change.save_account(account)
    change.publish(build_state(account, ports.clock(), ports.new_id()))


async def find_decider(change: AccountChange, requester: Requester, structure: str) -> Decider:
    """Read who decides, as the transaction sees it: a right that was just revoked is gone.

    A machine was judged by its token, and names no manager.
    """
    if requester.kind is PrincipalKind.MACHINE:
        return Decider(requester.client or "", can_decide=requester.structure == structure)
    person = read_person(requester)
    account = None
    if isinstance(person, Person):
        account = await change.find_account(person.identity)
    if account is None:
        return Decider(requester.user or "", can_decide=False)
    return Decider.of(account, structure)


async def keep(
    change: AccountChange,
    ports: AccountPorts,
    before: Account,
    roster: Roster,
    decided: Decided,
    by: str,
) -> None:
    """Save what was decided about one structure, publish it, and tell it in both trails.

    Nothing is written where nothing changes.
    """
    if decided.account is not before:
        await save_account(change, ports, decided.account)
    if decided.roster != roster:
        await change.save_roster(decided.roster)
        await record_act(change, ports, decided, by)


async def record_act(change: AccountChange, ports: AccountPorts, decided: Decided, by: str) -> None:
    """Tell an act in the trail of the structure, and in that of the user."""
    structure, user, now = decided.roster.structure, decided.account.id, ports.clock()
    details: Mapping[str, Detail] = decided.details
    about_user = AuditEntry(structure, decided.act, by, now, {"compte": user, **details})
    about_structure = AuditEntry(user, decided.act, by, now, {"structure": structure, **details})
    await change.record([about_user, about_structure])


def rename(account: Account, name: str) -> Account:
    """Build the account under another name."""
    return replace(account, name=name, version=account.version + 1)
