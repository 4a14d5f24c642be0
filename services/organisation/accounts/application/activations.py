"""Use cases of activation links, which support asks for in the name of a person."""

from datetime import datetime, timedelta

from services.organisation.accounts.application.mails import build_token_link
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
    open_account,
    read_person,
)
from services.organisation.accounts.application.ports import AccountChange, AccountPorts
from services.organisation.accounts.domain import rules
from services.organisation.accounts.domain.accounts import Account
from services.organisation.accounts.domain.links import (
    Activation,
    Link,
    hash_token,
    judge_link,
    use_activation,
)
from services.organisation.audit.domain.entries import AuditEntry
from services.organisation.mails import MAILS
from shared.rights.model import Requester
from shared.vocabulary.dates import format_moment

_DAY = timedelta(days=1)


class Activations:
    """Use cases of activation links."""

    def __init__(self, ports: AccountPorts) -> None:
        """Use these ports."""
        self._ports = ports

    async def send(
        self, change: AccountChange, request: str, email: str, asked_at: datetime
    ) -> None:
        """Send an activation link to an address, whether it has an account or not.

        More than a few in a day to one address are not sent: its owner did not ask for them. So it
        is with what was asked too long ago, which waited until this service read it.
        """
        ports = self._ports
        person = build_person(email)
        if not isinstance(person, Person):
            return
        now = ports.clock()
        if now - asked_at > ports.limits.link_life or await change.has_activation(request):
            return
        sent = await change.count_activations(person.identity, now - _DAY)
        if sent >= ports.limits.activations_a_day:
            return
        token = ports.create_token()
        activation = Activation(
            id=request,
            email=person.email,
            sent_at=now,
            link=Link(person.identity, hash_token(token), now + ports.limits.link_life),
        )
        await change.save_activation(activation)
        await change.queue_mail(
            MAILS.render(
                "activation",
                to=person.email,
                lien=build_token_link(ports, "activations", token),
                expire=format_moment(activation.link.expires_at),
            )
        )

    async def activate(self, requester: Requester, token: str, key: str | None) -> Outcome[Account]:
        """Activate one's account by the token of a link: it is registered."""
        person = read_person(requester)
        if not isinstance(person, Person):
            return Refused((person,))

        async def work(change: AccountChange) -> Outcome[Account]:
            now = self._ports.clock()
            activation = await change.find_activation(hash_token(token))
            if activation is None:
                return Refused((rules.LINK_REFUSED.build_violation("token"),))
            if violation := judge_link(activation.link, token, person.identity, now):
                return Refused((violation,))
            account = await open_account(change, self._ports, person)
            if not isinstance(account, Account):
                return Refused((account,))
            await change.save_activation(use_activation(activation, account.id))
            await change.record([AuditEntry(account.id, "compte.active", account.id, now)])
            return Done(account, account.id)

        used = await build_person_key(person, key, "activate", token)
        return await run_once(self._ports.accounts, used, work, _show)


async def _show(change: AccountChange, subject: str) -> Account | None:
    return await change.load_account(subject)
