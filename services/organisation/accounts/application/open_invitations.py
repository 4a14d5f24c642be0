"""Open invitations of an address, which end once a structure has decided about the person."""

from services.organisation.accounts.application.ports import AccountChange, AccountPorts
from services.organisation.accounts.domain.links import Invitation, LinkStatus
from services.organisation.audit.domain.entries import AuditEntry


async def take_back_all(
    change: AccountChange, ports: AccountPorts, structure: str, email: str, by: str
) -> None:
    """Take back the invitations of an address to a structure: a later decision counts."""
    for each in await change.list_invitations_to(structure, email):
        await take_back(change, ports, each, by)


async def take_back(
    change: AccountChange, ports: AccountPorts, invitation: Invitation, by: str
) -> Invitation:
    """Take an invitation back: its link serves no more."""
    now = ports.clock()
    ended = invitation.end(LinkStatus.RETIREE, now)
    await change.save_invitation(ended)
    details = {"invitation": ended.id}
    await change.record([AuditEntry(ended.structure, "invitation.retiree", by, now, details)])
    return ended
