"""Refused deposits: parties of a marché that the MOA parameter forbids together."""

from dataclasses import dataclass

from deploy.local.demo.context import DemoContext, build_opening
from deploy.local.demo.pieces import write_ubl
from deploy.local.demo.runs import check_refused_by
from deploy.local.demo.structures import AMENAGEUR, MAIRIE, TRESORERIE, Marche
from shared.vocabulary.roles import Role


@dataclass(frozen=True, slots=True)
class ForbiddenMarche:
    """Parties of a marché that the MOA parameter forbids, and the rule that refuses them."""

    case: str
    marche: Marche
    code: str


FORBIDDEN = (
    ForbiddenMarche("MOA paramétrée « sans »", Marche(TRESORERIE, MAIRIE), "CIR-MOA-01"),
    ForbiddenMarche(
        "service financier « exclusivement MOA »", Marche(MAIRIE, AMENAGEUR), "CIR-MOA-02"
    ),
    ForbiddenMarche("aucune MOA, service financier « avec »", Marche(None, MAIRIE), "CIR-MOA-03"),
)


async def deposit_forbidden(context: DemoContext) -> None:
    """Deposit a piece of each forbidden marché, and check that the rule refuses it."""
    for each in FORBIDDEN:
        draft = context.build_draft("A4", each.marche)
        titulaire = context.build_actor(Role.TITULAIRE, each.marche)
        answer = await titulaire.try_deposit(
            write_ubl(draft), build_opening(draft, each.marche, write_ubl)
        )
        context.tally.remarks.append((each.case, check_refused_by(answer, each.code)))
