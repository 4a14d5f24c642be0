"""Authentication of support: agents of a desk, and askers with or without an account.

The access middleware has decided; what is here reads its result.
"""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends

from services.support.access.domain.parties import Asker
from shared.runtime.web.caller import MaybeWho, Who, build_choice_missing
from shared.vocabulary.texts import make_one_line
from shared.vocabulary.tickets import Desk

_NAME_LIMIT = 100
"""Length limit of the name of an agent, as of an identifier in events."""


@dataclass(frozen=True, slots=True)
class DeskAgent:
    """Agent of a desk; a business desk belongs to a structure."""

    desk: Desk
    name: str
    id: str
    """Id of the agent's account."""
    structure: str | None = None


def read_agent(who: Who) -> DeskAgent:
    """Read the agent of a desk, named as its token says: dependency of the routes for desks."""
    if who.desk is None:
        raise RuntimeError("a route for desks needs `desk` in the table of rights")
    account = who.user or ""
    name = make_one_line(who.name)[:_NAME_LIMIT].strip() or account
    return DeskAgent(who.desk, name, account, who.structure)


Agent = Annotated[DeskAgent, Depends(read_agent)]


def read_asker(who: MaybeWho) -> Asker | None:
    """Read the asker; None without an account, and for one who chose no structure.

    Raises a 400 problem without a role.
    """
    if who is None or who.structure is None:
        return None
    if who.role is None:
        raise build_choice_missing()
    return Asker(who.structure, who.role)


MaybeAsker = Annotated[Asker | None, Depends(read_asker)]
