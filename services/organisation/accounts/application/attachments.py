"""Use cases of attachments: ask, decide, end, leave; managers and habilitations."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from services.organisation.accounts.application.mails import (
    build_link,
    name_person,
    write_to,
    write_to_managers,
)
from services.organisation.accounts.application.open_invitations import take_back_all
from services.organisation.accounts.application.outcomes import (
    Done,
    NotFound,
    Outcome,
    Refused,
    run_once,
)
from services.organisation.accounts.application.persons import (
    Person,
    build_person_key,
    build_requester_key,
    find_decider,
    judge_issuer,
    keep,
    open_account,
    read_person,
)
from services.organisation.accounts.application.ports import AccountChange, AccountPorts
from services.organisation.accounts.domain import attachments as domain
from services.organisation.accounts.domain import rules
from services.organisation.accounts.domain.accounts import Account, Attachment, Roster
from services.organisation.accounts.domain.attachments import Approval, Decided
from services.organisation.accounts.domain.habilitations import Habilitations
from services.organisation.accounts.domain.requests import RequestStatus
from services.organisation.audit.application.acts import Precondition
from services.organisation.structures.domain.structure import Structure
from shared.rights.model import ManagerRole, Requester
from shared.vocabulary.structures import StructureStatus


@dataclass(frozen=True, slots=True)
class AttachedUser:
    """A user, and the attachment that it is about."""

    account: Account
    attachment: Attachment


@dataclass(frozen=True, slots=True)
class _Case:
    """What a transaction has read about one user in one structure."""

    account: Account
    roster: Roster
    structure: Structure

    @property
    def services(self) -> frozenset[str]:
        """Codes of the services of the structure."""
        return frozenset(each.code for each in self.structure.declared.services)


class Attachments:
    """Use cases of attachments; each runs in one transaction about one structure."""

    def __init__(self, ports: AccountPorts) -> None:
        """Use these ports."""
        self._ports = ports

    async def ask(
        self, requester: Requester, structure: str, key: str | None
    ) -> Outcome[AttachedUser]:
        """Ask to be attached to a structure; who has no account is registered.

        Who proves its SIRET, where nobody manages it yet, is its first main manager at once.
        """
        person = read_person(requester)
        if not isinstance(person, Person):
            return Refused((person,))

        async def work(change: AccountChange) -> Outcome[AttachedUser]:
            known = await change.find_structure(structure)
            if known is None:
                return NotFound(f"Structure {structure}")
            if violations := judge_issuer(requester, known):
                return Refused(violations)
            if known.declared.status is not StructureStatus.ACTIF:
                rule = rules.STRUCTURE_INACTIVE
                return Refused((rule.build_violation("structure_id", structure=structure),))
            account = await open_account(change, self._ports, person)
            if not isinstance(account, Account):
                return Refused((account,))
            roster = await change.load_roster(structure)
            case = _Case(account, roster, known)
            if requester.siret == structure and not roster.is_managed:
                outcome = domain.appoint_first_manager(
                    account, roster, account.id, self._ports.clock()
                )
                return await self._finish(change, case, outcome, account.id)
            return await self._ask(change, case)

        used = await build_person_key(person, key, "ask_attachment", structure)
        return await run_once(self._ports.accounts, used, work, _show)

    async def approve(
        self,
        requester: Requester,
        structure: str,
        user: str,
        approval: Approval,
        key: str | None,
    ) -> Outcome[AttachedUser]:
        """Approve a request, with what is chosen or by default."""

        async def work(change: AccountChange) -> Outcome[AttachedUser]:
            case = await _read_case(change, structure, user)
            if case is None:
                return NotFound("Rattachement")
            decider = await find_decider(change, requester, structure)
            outcome = domain.approve_attachment(
                decider, case.account, case.roster, approval, case.services, self._ports.clock()
            )
            approved = await self._finish(change, case, outcome, decider.id, "acceptée")
            await self._take_back_invitations(change, case, approved, decider.id)
            return approved

        used = await build_requester_key(requester, key, "approve", structure, user, approval)
        return await run_once(self._ports.accounts, used, work, _show)

    async def refuse(
        self, requester: Requester, structure: str, user: str, reason: str, key: str | None
    ) -> Outcome[AttachedUser]:
        """Refuse a request, for a reason that the user reads."""

        async def work(change: AccountChange) -> Outcome[AttachedUser]:
            case = await _read_case(change, structure, user)
            if case is None:
                return NotFound("Rattachement")
            decider = await find_decider(change, requester, structure)
            outcome = domain.refuse_attachment(
                decider, case.account, case.roster, reason, self._ports.clock()
            )
            told = f"refusée ; motif : {reason}"
            refused = await self._finish(change, case, outcome, decider.id, told)
            await self._take_back_invitations(change, case, refused, decider.id)
            return refused

        used = await build_requester_key(requester, key, "refuse", structure, user, reason)
        return await run_once(self._ports.accounts, used, work, _show)

    async def end(self, requester: Requester, structure: str, user: str) -> Outcome[AttachedUser]:
        """End the attachment of somebody, for the structure."""

        async def work(change: AccountChange) -> Outcome[AttachedUser]:
            case = await _read_case(change, structure, user)
            if case is None:
                return NotFound("Rattachement")
            decider = await find_decider(change, requester, structure)
            outcome = domain.end_attachment(decider, case.account, case.roster, self._ports.clock())
            ended = await self._finish(change, case, outcome, decider.id)
            await self._drop_requests(change, case, ended, decider.id)
            await self._take_back_invitations(change, case, ended, decider.id)
            return ended

        return await self._ports.accounts.change(work)

    async def leave(self, requester: Requester, structure: str) -> Outcome[AttachedUser]:
        """Leave a structure, or withdraw the request to be attached to it."""
        person = read_person(requester)
        if not isinstance(person, Person):
            return Refused((person,))

        async def work(change: AccountChange) -> Outcome[AttachedUser]:
            account = await change.find_account(person.identity)
            case = await _read_case(change, structure, account.id) if account else None
            if case is None:
                return NotFound("Rattachement")
            if violations := judge_issuer(requester, case.structure):
                return Refused(violations)
            outcome = domain.leave(case.account, case.roster, self._ports.clock())
            left = await self._finish(change, case, outcome, case.account.id)
            await self._drop_requests(change, case, left, case.account.id)
            return left

        return await self._ports.accounts.change(work)

    async def set_manager(
        self, requester: Requester, structure: str, user: str, manager: ManagerRole | None
    ) -> Outcome[AttachedUser]:
        """Make a user a manager, main or secondary, or a user again."""

        async def work(change: AccountChange) -> Outcome[AttachedUser]:
            case = await _read_case(change, structure, user)
            if case is None:
                return NotFound("Rattachement")
            decider = await find_decider(change, requester, structure)
            outcome = domain.set_manager(
                decider, case.account, case.roster, manager, self._ports.clock()
            )
            return await self._finish(change, case, outcome, decider.id)

        return await self._ports.accounts.change(work)

    async def record_public_management_account(
        self, requester: Requester, structure: str, user: str, *, is_held: bool
    ) -> Outcome[AttachedUser]:
        """Record that a user has an account on the PIGP, or has none, also as an operator."""

        async def work(change: AccountChange) -> Outcome[AttachedUser]:
            case = await _read_case(change, structure, user)
            if case is None:
                return NotFound("Rattachement")
            decider = await find_decider(change, requester, structure)
            if requester.is_operator:
                decider = replace(decider, can_decide=True)
            outcome = domain.record_public_management_account(
                decider, case.account, case.roster, self._ports.clock(), is_held=is_held
            )
            return await self._finish(change, case, outcome, decider.id)

        return await self._ports.accounts.change(work)

    async def set_habilitations(
        self,
        requester: Requester,
        structure: str,
        user: str,
        habilitations: Habilitations,
        precondition: Precondition,
    ) -> Outcome[AttachedUser]:
        """Replace all habilitations of a user in a structure."""

        async def work(change: AccountChange) -> Outcome[AttachedUser]:
            case = await _read_case(change, structure, user)
            if case is None:
                return NotFound("Rattachement")
            decider = await find_decider(change, requester, structure)
            outcome = domain.set_habilitations(
                decider,
                case.account,
                case.roster,
                habilitations,
                case.services,
                self._ports.clock(),
            )
            current = case.account.find_active(structure)
            changes = isinstance(outcome, Decided) and outcome.account is not case.account
            if changes and current and not precondition(current.version):
                return Refused((rules.ATTACHMENT_STALE.build_violation("If-Match"),))
            return await self._finish(change, case, outcome, decider.id)

        return await self._ports.accounts.change(work)

    async def _ask(self, change: AccountChange, case: _Case) -> Outcome[AttachedUser]:
        limits, now = self._ports.limits, self._ports.clock()
        structure = case.roster.structure
        before = case.account.find(structure)
        outcome = domain.ask_attachment(
            case.account,
            case.roster,
            await change.count_waiting(structure),
            limits.waiting,
            now,
            now + limits.remind_after,
        )
        asked = await self._finish(change, case, outcome, case.account.id)
        is_new = isinstance(outcome, Decided) and outcome.account is not case.account
        if is_new and domain.is_worth_telling(before, now):
            await write_to_managers(
                change,
                case.roster,
                "rattachement-demande",
                demandeur=name_person(case.account),
                structure=case.structure.declared.name,
                lien=build_link(self._ports, "structures", structure, "rattachements"),
            )
        return asked

    async def _finish(
        self,
        change: AccountChange,
        case: _Case,
        outcome: domain.Outcome,
        by: str,
        decision: str = "",
    ) -> Outcome[AttachedUser]:
        """Save what was decided; write to the user where `decision` says what of a request."""
        if not isinstance(outcome, Decided):
            return Refused(outcome)
        await keep(change, self._ports, case.account, case.roster, outcome, by)
        if decision:
            await write_to(
                change,
                outcome.account,
                "rattachement-decision",
                case.roster.structure,
                structure=case.structure.declared.name,
                decision=decision,
                lien=build_link(self._ports, "rattachements"),
            )
        structure = case.roster.structure
        attachment = outcome.account.find(structure)
        if attachment is None:
            return NotFound("Rattachement")
        subject = f"{outcome.account.id}|{structure}"
        return Done(AttachedUser(outcome.account, attachment), subject)

    async def _drop_requests(
        self, change: AccountChange, case: _Case, ended: Outcome[AttachedUser], by: str
    ) -> None:
        """Drop the requests of a user who is attached no more."""
        if not isinstance(ended, Done):
            return
        structure = case.roster.structure
        for request in await change.list_requests_of(case.account.id, structure):
            dropped = request.end(RequestStatus.SUPPRIMEE, by, self._ports.clock())
            await change.save_request(dropped)

    async def _take_back_invitations(
        self, change: AccountChange, case: _Case, decided: Outcome[AttachedUser], by: str
    ) -> None:
        """Take back the invitations of a user about whom the structure has just decided."""
        if isinstance(decided, Done):
            structure, email = case.roster.structure, case.account.email
            await take_back_all(change, self._ports, structure, email, by)


async def find_unready_managers(change: AccountChange, structure: str) -> Sequence[str]:
    """Find the managers of a structure without a recorded account on the PIGP: their ids.

    Without any the roster is saved: no manager is named until the transaction has committed.
    """
    roster = await change.load_roster(structure)
    unready = [
        each.id
        for each in await change.list_managers(structure)
        if (found := each.find_active(structure)) and not found.has_public_management_account
    ]
    if not unready:
        await change.save_roster(roster.renew())
    return unready


async def _show(change: AccountChange, subject: str) -> AttachedUser | None:
    user, _, structure = subject.partition("|")
    account = await change.load_account(user)
    attachment = account.find(structure) if account else None
    return AttachedUser(account, attachment) if account and attachment else None


async def _read_case(change: AccountChange, structure: str, user: str) -> _Case | None:
    """Read a user who is, was or asks to be attached to a structure."""
    account = await change.load_account(user)
    known = await change.find_structure(structure)
    if account is None or known is None or account.find(structure) is None:
        return None
    return _Case(account, await change.load_roster(structure), known)
