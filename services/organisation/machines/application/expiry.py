"""Announce secrets that expire, by mail to the main managers of the structure that owns them."""

from collections.abc import Collection

from services.organisation.audit.domain.entries import PLATFORM, AuditEntry
from services.organisation.machines.application.ports import MachineChange, MachinePorts
from services.organisation.machines.domain import machines as domain
from services.organisation.machines.domain.machines import ANNOUNCED
from services.organisation.mails import MAILS
from shared.vocabulary.dates import PARIS


class ExpiryNotices:
    """Use case of the mails about secrets that expire; each secret is announced once."""

    def __init__(self, ports: MachinePorts) -> None:
        """Use these ports."""
        self._ports = ports

    async def list_due(self) -> Collection[str]:
        """List the machines with a secret whose end must be announced."""
        return await self._ports.machines.find_expiring(self._ports.clock() + ANNOUNCED)

    async def announce(self, client_id: str) -> None:
        """Announce the secrets of a machine that expire; nothing when it was done already."""
        await self._ports.machines.change(lambda change: self._announce(change, client_id))

    async def _announce(self, change: MachineChange, client_id: str) -> None:
        now = self._ports.clock()
        machine = await change.load(client_id)
        due = machine.find_due(now) if machine else ()
        if machine is None or not due:
            return
        addresses = sorted((await change.list_main_managers(machine.owner)).values())
        name = await change.find_name(machine.owner)
        for secret in due:
            for address in addresses:
                mail = MAILS.render(
                    "secret-expire",
                    to=address,
                    entity=machine.owner,
                    structure=name,
                    machine=machine.name,
                    expire=secret.expires_at.astimezone(PARIS).strftime("%d/%m/%Y"),
                    lien=f"{self._ports.origin}/espace/structures/{machine.owner}/machines",
                )
                await change.queue_mail(mail)
        await change.save(domain.mark_announced(machine, due))
        told = {"secrets": tuple(each.id for each in due)}
        await change.record([AuditEntry(client_id, "machine.secret_annonce", PLATFORM, now, told)])
