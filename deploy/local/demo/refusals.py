"""Refused deposits: contracts that the MOA parameter forbids."""

from dataclasses import dataclass

from deploy.local.demo.context import DemoContext, build_opening
from deploy.local.demo.pieces import ubl
from deploy.local.demo.runs import check_refused_by
from deploy.local.demo.structures import AMENAGEUR, MAIRIE, TRESORERIE, Site
from shared.vocabulary.roles import Role


@dataclass(frozen=True, slots=True)
class ForbiddenContract:
    """Contract that the MOA parameter forbids, and the rule that refuses it."""

    case: str
    site: Site
    code: str


FORBIDDEN = (
    ForbiddenContract("MOA paramétrée « sans »", Site(TRESORERIE, MAIRIE), "CIR-MOA-01"),
    ForbiddenContract(
        "service financier « exclusivement MOA »", Site(MAIRIE, AMENAGEUR), "CIR-MOA-02"
    ),
    ForbiddenContract("aucune MOA, service financier « avec »", Site(None, MAIRIE), "CIR-MOA-03"),
)


async def deposit_forbidden(context: DemoContext) -> None:
    """Deposit a piece of each forbidden contract, and check that the rule refuses it."""
    for each in FORBIDDEN:
        draft = context.draft("A4", each.site)
        titulaire = context.actor(Role.TITULAIRE, each.site)
        answer = await titulaire.try_deposit(ubl(draft), build_opening(draft, each.site, ubl))
        context.tally.remarks.append((each.case, check_refused_by(answer, each.code)))
