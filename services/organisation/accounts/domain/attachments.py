"""Decisions about attachments: asked, approved, refused, ended; managers and habilitations.

Each function takes what the transaction has read and returns what it comes to, or the rule that
refuses it. An account that comes back as it was given has not changed: what was asked is already
so.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from services.organisation.accounts.domain import rules
from services.organisation.accounts.domain.accounts import (
    ATTACHMENTS_LIMIT,
    Account,
    Attachment,
    AttachmentStatus,
    Decider,
    Roster,
)
from services.organisation.accounts.domain.habilitations import (
    Habilitations,
    become_manager,
    build_defaults,
    cease_to_manage,
    judge_habilitations,
    keeps_organisation,
    sort_habilitations,
)
from services.organisation.audit.domain.entries import Detail
from shared.rights.model import ManagerRole
from shared.vocabulary.rules import Violation

_TOLD_AGAIN = timedelta(days=1)
"""Managers are told once in this time of a request that is withdrawn and made again."""


@dataclass(frozen=True, slots=True)
class Decided:
    """What a decision comes to: the account and the roster after it, and the word of the trail."""

    account: Account
    roster: Roster
    act: str = ""
    details: Mapping[str, Detail] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Approval:
    """What is given with an approval; habilitations that are not chosen are the defaults."""

    manager: ManagerRole | None = None
    habilitations: Habilitations | None = None

    def build_habilitations(self) -> Habilitations:
        """Build the habilitations that are given."""
        if self.habilitations is None:
            return build_defaults(self.manager)
        return sort_habilitations(self.habilitations)


Outcome = Decided | tuple[Violation, ...]


def ask_attachment(
    account: Account,
    roster: Roster,
    waiting: int,
    waiting_limit: int,
    at: datetime,
    remind_at: datetime,
) -> Outcome:
    """Ask to be attached to a structure; `waiting` requests wait for its decision already."""
    current = account.find(roster.structure)
    if current and current.is_waiting:
        return Decided(account, roster)
    violations = [
        *_judge_new_attachment(account, roster.structure),
        *_judge_waiting(roster, waiting, waiting_limit),
    ]
    if violations:
        return tuple(violations)
    asked = Attachment(
        structure=roster.structure,
        status=AttachmentStatus.EN_COURS_DE_VALIDATION,
        asked_at=at,
        version=current.version + 1 if current else 1,
        remind_at=remind_at,
    )
    return _decide(account, asked, roster, "rattachement.demande")


def is_worth_telling(before: Attachment | None, at: datetime) -> bool:
    """Tell whether managers are told of a request at once; `before` is the attachment before it."""
    return before is None or at - before.asked_at >= _TOLD_AGAIN


def approve_attachment(
    decider: Decider,
    account: Account,
    roster: Roster,
    approval: Approval,
    services: Collection[str],
    at: datetime,
) -> Outcome:
    """Approve a request. Nobody approves their own: who asks is not attached yet."""
    current = account.find(roster.structure)
    if violation := _judge_decider(decider, roster):
        return (violation,)
    if current is None or not current.is_waiting:
        return (_refuse_decided(current),)
    return _attach(decider, account, current, roster, approval, services, at)


def refuse_attachment(
    decider: Decider, account: Account, roster: Roster, reason: str, at: datetime
) -> Outcome:
    """Refuse a request, for a reason that the user reads."""
    current = account.find(roster.structure)
    if violation := _judge_decider(decider, roster):
        return (violation,)
    if current is None or not current.is_waiting:
        return (_refuse_decided(current),)
    if not reason:
        return (rules.REASON_MISSING.build_violation("reason"),)
    refused = replace(
        current.decide(decider.id, at),
        status=AttachmentStatus.REFUSEE,
        reason=reason,
        remind_at=None,
    )
    return _decide(account, refused, roster, "rattachement.refuse")


def end_attachment(
    decider: Decider, account: Account, roster: Roster, at: datetime, reason: str = ""
) -> Outcome:
    """End the attachment of somebody, for the structure."""
    current = account.find(roster.structure)
    if violation := _judge_decider(decider, roster):
        return (violation,)
    if current is None or current.is_waiting:
        return (rules.NOT_ATTACHED.build_violation("user_id", structure=roster.structure),)
    if not current.is_active:
        return Decided(account, roster)
    if violation := _judge_end(decider, account, current, roster):
        return (violation,)
    ended = replace(
        current.decide(decider.id, at),
        status=AttachmentStatus.DESACTIVEE,
        manager=None,
        habilitations=(),
        reason=reason,
    )
    return _decide(account, ended, roster, "rattachement.fini")


def leave(account: Account, roster: Roster, at: datetime) -> Outcome:
    """Leave a structure, or withdraw the request to be attached to it."""
    current = account.find(roster.structure)
    if current is None:
        return (rules.NOT_ATTACHED.build_violation("structure_id", structure=roster.structure),)
    if not current.is_active and not current.is_waiting:
        return Decided(account, roster)
    if current.is_active and roster.is_last(account.id):
        return (
            rules.LAST_MAIN_MANAGER.build_violation("structure_id", structure=roster.structure),
        )
    left = replace(
        current.decide(account.id, at),
        status=AttachmentStatus.SUPPRIMEE,
        manager=None,
        habilitations=(),
        remind_at=None,
    )
    act = "rattachement.quitte" if current.is_active else "rattachement.retire"
    return _decide(account, left, roster, act)


def set_manager(
    decider: Decider, account: Account, roster: Roster, manager: ManagerRole | None, at: datetime
) -> Outcome:
    """Make a user a manager, main or secondary, or a user again.

    A manager has every application in modification; who is one no more decides no more, and keeps
    the other habilitations.
    """
    current = account.find_active(roster.structure)
    if not decider.is_main_manager:
        return (rules.MAIN_MANAGER_ONLY.build_violation("manager"),)
    if current is None:
        return (rules.NOT_ATTACHED.build_violation("user_id", structure=roster.structure),)
    if current.manager is manager:
        return Decided(account, roster)
    if current.manager is ManagerRole.PRINCIPAL and roster.is_last(account.id):
        return (rules.LAST_MAIN_MANAGER.build_violation("manager", structure=roster.structure),)
    held = current.habilitations
    changed = replace(
        current.decide(decider.id, at),
        manager=manager,
        habilitations=become_manager(held) if manager else cease_to_manage(held),
    )
    details = {"gestionnaire": manager.value if manager else None}
    return _decide(account, changed, roster, "gestionnaire.change", details)


def set_habilitations(
    decider: Decider,
    account: Account,
    roster: Roster,
    habilitations: Habilitations,
    services: Collection[str],
    at: datetime,
) -> Outcome:
    """Replace all habilitations of a user in a structure."""
    current = account.find_active(roster.structure)
    if violation := _judge_decider(decider, roster):
        return (violation,)
    if current is None:
        return (rules.NOT_ATTACHED.build_violation("user_id", structure=roster.structure),)
    wanted = sort_habilitations(habilitations)
    if wanted == current.habilitations:
        return Decided(account, roster)
    if violations := _judge_new_habilitations(decider, current, wanted, services):
        return violations
    changed = replace(current.decide(decider.id, at), habilitations=wanted)
    return _decide(
        account, changed, roster, "habilitations.changees", {"habilitations": describe(wanted)}
    )


def join_invited(
    inviter: str,
    account: Account,
    roster: Roster,
    approval: Approval,
    at: datetime,
) -> Outcome:
    """Attach who accepts an invitation, whose `inviter` may still give it (`judge_inviter`)."""
    current = account.find(roster.structure)
    if current and current.is_active:
        return (rules.ALREADY_ATTACHED.build_violation("token", structure=roster.structure),)
    if violations := tuple(_judge_count(account, roster.structure)):
        return violations
    return _join(account, roster, approval, inviter, at, "rattachement.invite")


def judge_inviter(inviter: Decider, approval: Approval, structure: str) -> tuple[Violation, ...]:
    """Judge whether who sent an invitation could still send it, when it is accepted.

    Who was dismissed would otherwise come back by another address, or let somebody in.
    """
    if inviter.can_decide and (approval.manager is None or inviter.is_main_manager):
        return ()
    return (rules.INVITER_DECIDES_NO_MORE.build_violation("token", structure=structure),)


def appoint_first_manager(account: Account, roster: Roster, by: str, at: datetime) -> Outcome:
    """Make a user the first main manager of a structure that has none.

    Who calls it has checked what proves it: the SIRET of the token, or what an operator has read.
    """
    if roster.is_managed:
        return (rules.ALREADY_MANAGED.build_violation("structure_id", structure=roster.structure),)
    if violations := tuple(_judge_count(account, roster.structure)):
        return violations
    approval = Approval(ManagerRole.PRINCIPAL)
    return _join(account, roster, approval, by, at, "gestionnaire.premier")


def describe(habilitations: Habilitations) -> tuple[str, ...]:
    """Describe habilitations for the audit trail."""
    return tuple(
        f"{each.application}:{each.level}" + (f":{each.service}" if each.service else "")
        for each in habilitations
    )


def _attach(
    decider: Decider,
    account: Account,
    current: Attachment,
    roster: Roster,
    approval: Approval,
    services: Collection[str],
    at: datetime,
) -> Outcome:
    if violations := judge_approval(decider, approval, services):
        return violations
    given = approval.build_habilitations()
    approved = replace(
        current.decide(decider.id, at),
        status=AttachmentStatus.VALIDEE,
        manager=approval.manager,
        habilitations=given,
        remind_at=None,
    )
    return _decide(account, approved, roster, "rattachement.approuve", _describe(approval, given))


def record_public_management_account(
    decider: Decider, account: Account, roster: Roster, at: datetime, *, is_held: bool
) -> Outcome:
    """Record that a user has an account on the PIGP, or has none.

    Every manager of a public structure needs one (webinar for the MOA, 20:39 to 21:08).
    """
    current = account.find_active(roster.structure)
    if violation := _judge_decider(decider, roster):
        return (violation,)
    if current is None:
        return (rules.NOT_ATTACHED.build_violation("user_id", structure=roster.structure),)
    if current.has_public_management_account is is_held:
        return Decided(account, roster)
    recorded = replace(current.decide(decider.id, at), has_public_management_account=is_held)
    return _decide(account, recorded, roster, "rattachement.compte_pigp", {"detenu": is_held})


def judge_approval(
    decider: Decider, approval: Approval, services: Collection[str]
) -> tuple[Violation, ...]:
    """Judge what somebody gives with an attachment: who may give it, and what it holds."""
    if approval.manager is not None and not decider.is_main_manager:
        return (rules.MAIN_MANAGER_ONLY.build_violation("manager"),)
    if approval.habilitations is None:
        return ()
    violations = list(judge_habilitations(approval.habilitations, services))
    is_main = approval.manager is ManagerRole.PRINCIPAL
    if is_main and not keeps_organisation(approval.habilitations):
        violations.append(rules.MANAGER_KEEPS_ORGANISATION.build_violation("habilitations"))
    return tuple(violations)


def _join(
    account: Account, roster: Roster, approval: Approval, by: str, at: datetime, act: str
) -> Decided:
    current = account.find(roster.structure)
    given = approval.build_habilitations()
    attachment = Attachment(
        structure=roster.structure,
        status=AttachmentStatus.VALIDEE,
        asked_at=current.asked_at if current and current.is_waiting else at,
        version=current.version + 1 if current else 1,
        manager=approval.manager,
        habilitations=given,
        decided_at=at,
        decided_by=by,
    )
    return _decide(account, attachment, roster, act, _describe(approval, given))


def _judge_new_attachment(account: Account, structure: str) -> tuple[Violation, ...]:
    if account.find_active(structure):
        return (rules.ALREADY_ATTACHED.build_violation("structure_id", structure=structure),)
    return _judge_count(account, structure)


def _judge_count(account: Account, structure: str) -> tuple[Violation, ...]:
    if not account.is_active:
        return (rules.ACCOUNT_CLOSED.build_violation("requête"),)
    others = [each for each in account.open_attachments if each.structure != structure]
    if len(others) < ATTACHMENTS_LIMIT:
        return ()
    return (
        rules.TOO_MANY_ATTACHMENTS.build_violation(
            "structure_id", count=len(others), limit=ATTACHMENTS_LIMIT
        ),
    )


def _judge_waiting(roster: Roster, waiting: int, limit: int) -> tuple[Violation, ...]:
    structure = roster.structure
    if not roster.is_managed:
        return (rules.NOBODY_DECIDES.build_violation("structure_id", structure=structure),)
    if waiting >= limit:
        rule = rules.TOO_MANY_WAITING
        return (
            rule.build_violation("structure_id", count=waiting, structure=structure, limit=limit),
        )
    return ()


def _judge_decider(decider: Decider, roster: Roster) -> Violation | None:
    if decider.can_decide:
        return None
    return rules.NOT_DECIDER.build_violation("X-Structure", structure=roster.structure)


def _judge_end(
    decider: Decider, account: Account, current: Attachment, roster: Roster
) -> Violation | None:
    if current.manager is not ManagerRole.PRINCIPAL:
        return None
    if not decider.is_main_manager:
        return rules.MAIN_MANAGER_ONLY.build_violation("user_id")
    if roster.is_last(account.id):
        return rules.LAST_MAIN_MANAGER.build_violation("user_id", structure=roster.structure)
    return None


def _judge_new_habilitations(
    decider: Decider, current: Attachment, wanted: Habilitations, services: Collection[str]
) -> tuple[Violation, ...]:
    if current.manager is ManagerRole.PRINCIPAL:
        if not decider.is_main_manager:
            return (rules.MAIN_MANAGER_ONLY.build_violation("user_id"),)
        if not keeps_organisation(wanted):
            return (rules.MANAGER_KEEPS_ORGANISATION.build_violation("habilitations"),)
    return tuple(judge_habilitations(wanted, services))


def _refuse_decided(current: Attachment | None) -> Violation:
    status = current.status.value if current else "aucune demande"
    return rules.ALREADY_DECIDED.build_violation("user_id", status=status)


def _describe(approval: Approval, given: Habilitations) -> Mapping[str, Detail]:
    return {
        "gestionnaire": approval.manager.value if approval.manager else None,
        "habilitations": describe(given),
    }


def _decide(
    account: Account,
    attachment: Attachment,
    roster: Roster,
    act: str,
    details: Mapping[str, Detail] | None = None,
) -> Decided:
    after = account.put(attachment)
    return Decided(after, roster.take_note(after), act, details or {})


def close_account(account: Account, rosters: Collection[Roster], at: datetime) -> Outcome:
    """Close an account; `rosters` are those of the structures to which it is attached.

    The last main manager of a structure names another one first.
    """
    if violations := tuple(
        rules.LAST_MAIN_MANAGER.build_violation("email", structure=each.structure)
        for each in rosters
        if each.is_last(account.id)
    ):
        return violations
    ended = account
    for each in account.open_attachments:
        ended = ended.put(
            replace(
                each.decide(account.id, at),
                status=AttachmentStatus.SUPPRIMEE,
                manager=None,
                habilitations=(),
                remind_at=None,
            )
        )
    closed = replace(
        ended, version=account.version + 1, is_active=False, platform_roles=frozenset()
    )
    return Decided(closed, Roster(""), "compte.ferme")
