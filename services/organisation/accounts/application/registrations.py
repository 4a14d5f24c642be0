"""Use cases of accounts themselves: register, platform roles, the first manager of a structure."""

from dataclasses import replace

from services.organisation.accounts.application.outcomes import (
    Done,
    Outcome,
    Refused,
    run_once,
)
from services.organisation.accounts.application.persons import (
    Person,
    build_person,
    build_person_key,
    keep,
    open_account,
    read_person,
    rename,
    save_account,
)
from services.organisation.accounts.application.ports import AccountChange, AccountPorts
from services.organisation.accounts.domain.accounts import Account
from services.organisation.accounts.domain.attachments import Decided, appoint_first_manager
from services.organisation.audit.domain.entries import PLATFORM, AuditEntry
from shared.rights.model import PlatformRole, Requester
from shared.vocabulary.rules import Violation


class Registrations:
    """Use cases of accounts themselves."""

    def __init__(self, ports: AccountPorts) -> None:
        """Use these ports."""
        self._ports = ports

    async def register(
        self, requester: Requester, name: str | None, key: str | None
    ) -> Outcome[Account]:
        """Register the person of a token, or change the name of the account."""
        person = read_person(requester)
        if not isinstance(person, Person):
            return Refused((person,))
        named = replace(person, name=name or person.name)

        async def work(change: AccountChange) -> Outcome[Account]:
            account = await open_account(change, self._ports, named)
            if not isinstance(account, Account):
                return Refused((account,))
            if name and account.name != name:
                account = rename(account, name)
                await save_account(change, self._ports, account)
            return Done(account, account.id)

        used = await build_person_key(person, key, "register", name)
        return await run_once(self._ports.accounts, used, work, _show)

    async def appoint(
        self, change: AccountChange, requester: Requester, structure: str
    ) -> str | tuple[Violation, ...]:
        """Make who creates a structure its first main manager, in the transaction that creates it.

        The caller has checked the SIRET of the token. Returns the id of the account, or the rules
        that refuse it.
        """
        person = read_person(requester)
        if not isinstance(person, Person):
            return (person,)
        account = await open_account(change, self._ports, person)
        if not isinstance(account, Account):
            return (account,)
        return await appoint(change, self._ports, account, structure, account.id) or account.id

    async def set_platform_role(
        self, email: str, role: PlatformRole, *, is_held: bool
    ) -> Account | Violation:
        """Grant or withdraw a role of the platform, by a command of an operator.

        Who has no account yet is registered. Returns what refuses it, for what is no address or an
        account that is closed.
        """
        person = build_person(email)
        if not isinstance(person, Person):
            return person

        async def work(change: AccountChange) -> Account | Violation:
            account = await open_account(change, self._ports, person)
            if not isinstance(account, Account):
                return account
            roles = account.platform_roles | {role} if is_held else account.platform_roles - {role}
            if roles == account.platform_roles:
                return account
            after = replace(account, platform_roles=roles, version=account.version + 1)
            await save_account(change, self._ports, after)
            act = "role.donne" if is_held else "role.retire"
            details = {"role": role.value}
            now = self._ports.clock()
            await change.record([AuditEntry(account.id, act, PLATFORM, now, details)])
            return after

        return await self._ports.accounts.change(work)


async def appoint(
    change: AccountChange, ports: AccountPorts, account: Account, structure: str, by: str
) -> tuple[Violation, ...]:
    """Make a user the first main manager of a structure. Returns the rules that refuse it."""
    roster = await change.load_roster(structure)
    outcome = appoint_first_manager(account, roster, by, ports.clock())
    if not isinstance(outcome, Decided):
        return outcome
    await keep(change, ports, account, roster, outcome, by)
    return ()


async def _show(change: AccountChange, subject: str) -> Account | None:
    return await change.load_account(subject)
