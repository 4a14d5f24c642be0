"""Reminders: the managers of a structure are told again of what waits. Nothing is granted."""

from dataclasses import replace

from services.organisation.accounts.application.mails import (
    build_link,
    write_to_managers,
)
from services.organisation.accounts.application.ports import AccountChange, AccountPorts
from services.organisation.accounts.domain.accounts import postpone_reminder
from shared.vocabulary.dates import format_moment


class Reminders:
    """Use case of reminders, about one structure at a time."""

    def __init__(self, ports: AccountPorts) -> None:
        """Use these ports."""
        self._ports = ports

    async def remind(self, change: AccountChange, structure: str) -> None:
        """Remind the main managers of what waits for longer than they were told, in one mail.

        What waits is reminded of again after the same time.
        """
        now = self._ports.clock()
        known = await change.find_structure(structure)
        accounts = await change.find_due_attachments(structure, now)
        requests = await change.find_due_requests(structure, now)
        asked = [
            *(found.asked_at for each in accounts if (found := each.find(structure))),
            *(each.asked_at for each in requests),
        ]
        if not asked or known is None:
            return
        roster = await change.load_roster(structure)
        await write_to_managers(
            change,
            roster,
            "rappel",
            structure=known.declared.name,
            nombre=str(len(asked)),
            depuis=format_moment(min(asked)),
            lien=build_link(self._ports, "structures", structure, "demandes"),
        )
        later = now + self._ports.limits.remind_after
        for account in accounts:
            await change.save_account(postpone_reminder(account, structure, later))
        for request in requests:
            await change.save_request(replace(request, remind_at=later))
