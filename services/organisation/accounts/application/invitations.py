"""Use cases of invitations: send one, take it back, accept it by its link."""

from dataclasses import dataclass
from datetime import timedelta

from services.organisation.accounts.application.attachments import AttachedUser
from services.organisation.accounts.application.mails import build_token_link
from services.organisation.accounts.application.open_invitations import take_back, take_back_all
from services.organisation.accounts.application.outcomes import (
    Done,
    NotFound,
    Outcome,
    Refused,
    run_once,
)
from services.organisation.accounts.application.persons import (
    Person,
    build_person,
    build_person_key,
    build_requester_key,
    find_decider,
    judge_issuer,
    keep,
    open_account,
    read_person,
)
from services.organisation.accounts.application.ports import AccountChange, AccountPorts
from services.organisation.accounts.domain import rules
from services.organisation.accounts.domain.accounts import Account, Decider
from services.organisation.accounts.domain.attachments import (
    Approval,
    Decided,
    join_invited,
    judge_approval,
    judge_inviter,
)
from services.organisation.accounts.domain.links import (
    Invitation,
    Link,
    LinkStatus,
    hash_token,
    judge_link,
)
from services.organisation.audit.domain.entries import AuditEntry
from services.organisation.mails import MAILS
from services.organisation.structures.domain.structure import Structure
from shared.rights.model import Requester
from shared.vocabulary.dates import format_moment
from shared.vocabulary.rules import Violation
from shared.vocabulary.structures import StructureStatus

_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class _Invited:
    """Whom somebody invites, to which structure, with what."""

    structure: Structure
    person: Person
    approval: Approval


class Invitations:
    """Use cases of invitations."""

    def __init__(self, ports: AccountPorts) -> None:
        """Use these ports."""
        self._ports = ports

    async def invite(
        self,
        requester: Requester,
        structure: str,
        email: str,
        approval: Approval,
        key: str | None,
    ) -> Outcome[Invitation]:
        """Invite an address; the answer is the same whether it has an account or not.

        An invitation that was sent to the same address serves no more.
        """
        person = build_person(email)
        if not isinstance(person, Person):
            return Refused((person,))

        async def work(change: AccountChange) -> Outcome[Invitation]:
            known = await change.find_structure(structure)
            if known is None:
                return NotFound(f"Structure {structure}")
            invited = _Invited(known, person, approval)
            decider = await find_decider(change, requester, structure)
            if violations := await self._judge(change, decider, invited):
                return Refused(violations)
            return await self._send(change, decider, invited)

        used = await build_requester_key(
            requester, key, "invite", structure, person.email, approval
        )
        return await run_once(self._ports.accounts, used, work, _show_invitation)

    async def withdraw(
        self, requester: Requester, structure: str, invitation: str
    ) -> Outcome[Invitation]:
        """Take an invitation back: its link serves no more."""

        async def work(change: AccountChange) -> Outcome[Invitation]:
            found = await change.load_invitation(invitation)
            if found is None or found.structure != structure:
                return NotFound("Invitation")
            decider = await find_decider(change, requester, structure)
            if not decider.can_decide:
                return Refused((_refuse_decider(structure),))
            if found.status is LinkStatus.RETIREE:
                return Done(found, found.id)
            if found.status is LinkStatus.ACCEPTEE:
                rule = rules.INVITATION_ENDED
                status = found.status.value
                return Refused((rule.build_violation("invitation_id", status=status),))
            ended = await take_back(change, self._ports, found, decider.id)
            await self._note(change, structure)
            return Done(ended, ended.id)

        return await self._ports.accounts.change(work)

    async def accept(
        self, requester: Requester, token: str, key: str | None
    ) -> Outcome[AttachedUser]:
        """Accept an invitation by the token of its link; who has no account is registered."""
        person = read_person(requester)
        if not isinstance(person, Person):
            return Refused((person,))

        async def work(change: AccountChange) -> Outcome[AttachedUser]:
            now = self._ports.clock()
            invitation = await change.find_invitation(hash_token(token))
            if invitation is None or invitation.status is LinkStatus.RETIREE:
                return Refused((rules.LINK_REFUSED.build_violation("token"),))
            if violation := judge_link(invitation.link, token, person.identity, now):
                return Refused((violation,))
            known = await change.find_structure(invitation.structure)
            if known is None:
                return NotFound(f"Structure {invitation.structure}")
            if violations := (
                *judge_issuer(requester, known),
                *_judge_active(known),
                *await _judge_inviter(change, invitation),
            ):
                return Refused(violations)
            account = await open_account(change, self._ports, person)
            if not isinstance(account, Account):
                return Refused((account,))
            return await self._join(change, invitation, account)

        used = await build_person_key(person, key, "accept_invitation", token)
        return await run_once(self._ports.accounts, used, work, _show_attachment)

    async def _judge(
        self, change: AccountChange, decider: Decider, invited: _Invited
    ) -> tuple[Violation, ...]:
        structure = invited.structure.id
        if not decider.can_decide:
            return (_refuse_decider(structure),)
        if violations := _judge_active(invited.structure):
            return violations
        services = {each.code for each in invited.structure.declared.services}
        if violations := judge_approval(decider, invited.approval, services):
            return violations
        account = await change.find_account(invited.person.identity)
        if account is not None and account.find_active(structure):
            # No secret: the structure sees who is attached to it.
            rule = rules.INVITED_IS_ATTACHED
            return (rule.build_violation("email", structure=structure),)
        limit = self._ports.limits.invitations_a_day
        count = await change.count_invitations(structure, self._ports.clock() - _DAY)
        if count >= limit:
            rule = rules.TOO_MANY_INVITATIONS
            return (rule.build_violation("requête", structure=structure, count=count, limit=limit),)
        return ()

    async def _send(
        self, change: AccountChange, decider: Decider, invited: _Invited
    ) -> Outcome[Invitation]:
        ports, person, structure = self._ports, invited.person, invited.structure
        now, token = ports.clock(), ports.create_token()
        await take_back_all(change, ports, structure.id, person.email, decider.id)
        invitation = Invitation(
            id=ports.new_id(),
            structure=structure.id,
            email=person.email,
            approval=invited.approval,
            invited_by=decider.id,
            invited_at=now,
            link=Link(person.identity, hash_token(token), now + ports.limits.link_life),
        )
        await change.save_invitation(invitation)
        await change.queue_mail(
            MAILS.render(
                "invitation",
                to=person.email,
                entity=structure.id,
                structure=structure.declared.name,
                lien=build_token_link(ports, "invitations", token),
                expire=format_moment(invitation.link.expires_at),
            )
        )
        await self._record(change, invitation, "invitation.envoyee", decider.id)
        await self._note(change, structure.id)
        return Done(invitation, invitation.id)

    async def _join(
        self, change: AccountChange, invitation: Invitation, account: Account
    ) -> Outcome[AttachedUser]:
        ports, now, structure = self._ports, self._ports.clock(), invitation.structure
        roster = await change.load_roster(structure)
        outcome = join_invited(invitation.invited_by, account, roster, invitation.approval, now)
        if not isinstance(outcome, Decided):
            return Refused(outcome)
        await change.save_invitation(invitation.end(LinkStatus.ACCEPTEE, now, account.id))
        await keep(change, ports, account, roster, outcome, account.id)
        attachment = outcome.account.find(structure)
        if attachment is None:
            return NotFound("Rattachement")
        return Done(AttachedUser(outcome.account, attachment), f"{account.id}|{structure}")

    async def _record(
        self, change: AccountChange, invitation: Invitation, act: str, by: str
    ) -> None:
        details = {"invitation": invitation.id}
        entry = AuditEntry(invitation.structure, act, by, self._ports.clock(), details)
        await change.record([entry])

    async def _note(self, change: AccountChange, structure: str) -> None:
        """Rewrite the roster, as of all that is about a structure."""
        roster = await change.load_roster(structure)
        await change.save_roster(roster.renew())


def _judge_active(structure: Structure) -> tuple[Violation, ...]:
    if structure.declared.status is StructureStatus.ACTIF:
        return ()
    return (rules.STRUCTURE_INACTIVE.build_violation("structure_id", structure=structure.id),)


async def _judge_inviter(change: AccountChange, invitation: Invitation) -> tuple[Violation, ...]:
    # A machine, which has no account, gives no role of a manager.
    inviter = await change.load_account(invitation.invited_by)
    if inviter is None:
        return ()
    structure = invitation.structure
    return judge_inviter(Decider.of(inviter, structure), invitation.approval, structure)


def _refuse_decider(structure: str) -> Violation:
    return rules.NOT_DECIDER.build_violation("X-Structure", structure=structure)


async def _show_invitation(change: AccountChange, subject: str) -> Invitation | None:
    return await change.load_invitation(subject)


async def _show_attachment(change: AccountChange, subject: str) -> AttachedUser | None:
    user, _, structure = subject.partition("|")
    account = await change.load_account(user)
    attachment = account.find(structure) if account else None
    return AttachedUser(account, attachment) if account and attachment else None
