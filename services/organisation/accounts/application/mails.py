"""Mails about accounts: to the managers of a structure, and to who asked or is invited."""

from collections.abc import Iterable
from urllib.parse import quote

from services.organisation.accounts.application.ports import AccountChange, AccountPorts
from services.organisation.accounts.domain.accounts import Account, Roster
from services.organisation.accounts.domain.habilitations import Habilitations
from services.organisation.mails import MAILS
from shared.rights.catalogue import find_application

_HOME = "/espace"
"""Path of the pages of a user: of this origin, they open the acts that mails speak of."""


async def write_to_managers(
    change: AccountChange, roster: Roster, template: str, **fields: str
) -> None:
    """Queue a mail to each main manager of a structure."""
    for manager in sorted(roster.main_managers):
        account = await change.load_account(manager)
        if account is not None:
            await write_to(change, account, template, roster.structure, **fields)


async def write_to(
    change: AccountChange, account: Account, template: str, about: str, **fields: str
) -> None:
    """Queue a mail to a user, about a structure."""
    await change.queue_mail(MAILS.render(template, to=account.email, entity=about, **fields))


def build_link(ports: AccountPorts, *parts: str) -> str:
    """Build a link into the pages of a user."""
    return ports.origin + "/".join((_HOME, *(quote(part, safe="") for part in parts)))


def build_token_link(ports: AccountPorts, what: str, token: str) -> str:
    """Build a link that holds a token: in the fragment, which no server or proxy logs."""
    return f"{ports.origin}{_HOME}/{what}#{token}"


def name_person(account: Account) -> str:
    """Name a user in a sentence, by the address too: anybody may choose the name of another."""
    return f"{account.name} ({account.email})" if account.name else account.email


def name_habilitations(habilitations: Habilitations) -> str:
    """Name habilitations in a sentence."""
    return ", ".join(_name_all(habilitations))


def _name_all(habilitations: Habilitations) -> Iterable[str]:
    for each in habilitations:
        application = find_application(each.application)
        label = application.label if application else each.application
        service = f", service {each.service}" if each.service else ""
        yield f"{label} ({each.level}{service})"
