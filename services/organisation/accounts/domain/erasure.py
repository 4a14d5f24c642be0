"""Erasure of a person from an account: its name and address go, what it did stays by its id."""

import hashlib
from collections.abc import Collection
from dataclasses import replace
from datetime import datetime

from services.organisation.accounts.domain.accounts import Account, Roster
from services.organisation.accounts.domain.attachments import close_account
from services.organisation.accounts.domain.links import Invitation, LinkStatus
from shared.vocabulary.rules import Violation


def erase_account(
    account: Account, rosters: Collection[Roster], at: datetime
) -> Account | tuple[Violation, ...]:
    """Close an account and erase its person; the last main manager names another one first.

    The identity, by which services recognise the person, becomes one that nobody has: whoever
    signs in with the address later is somebody new.
    """
    closed = close_account(account, rosters, at)
    if isinstance(closed, tuple):
        return closed
    return replace(
        closed.account,
        email="",
        name="",
        identity=build_erased_identity(account.id),
        attachments=tuple(replace(each, reason="") for each in closed.account.attachments),
    )


def erase_invitation(invitation: Invitation, at: datetime) -> Invitation:
    """Erase the person who was invited; an invitation that waits is withdrawn."""
    ended = (
        invitation.end(LinkStatus.RETIREE, at)
        if invitation.status is LinkStatus.ENVOYEE
        else invitation
    )
    link = replace(ended.link, identity=build_erased_identity(invitation.id))
    return replace(ended, email="", link=link)


def build_erased_identity(identifier: str) -> str:
    """Build the identity of an erased person: that of no address, other for each one."""
    return hashlib.sha256(f"efface:{identifier}".encode()).hexdigest()
