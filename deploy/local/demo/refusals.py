"""What the MOA parameter forbids, at the first deposit."""

from dataclasses import dataclass

from deploy.local.demo.cast import AMENAGEUR, MAIRIE, TRESORERIE, Site
from deploy.local.demo.pieces import ubl
from deploy.local.demo.play import refused_by
from deploy.local.demo.scene import Scene, opening
from shared.vocabulary.roles import Role


@dataclass(frozen=True, slots=True)
class Forbidden:
    """A contract that no dossier may have, and the rule that says so."""

    case: str
    site: Site
    code: str


FORBIDDEN = (
    Forbidden("MOA paramétrée « sans »", Site(TRESORERIE, MAIRIE), "CIR-MOA-01"),
    Forbidden("service financier « exclusivement MOA »", Site(MAIRIE, AMENAGEUR), "CIR-MOA-02"),
    Forbidden("aucune MOA, service financier « avec »", Site(None, MAIRIE), "CIR-MOA-03"),
)


async def try_forbidden(scene: Scene) -> None:
    """Try each."""
    for each in FORBIDDEN:
        draft = scene.draft("A4", each.site)
        titulaire = scene.actor(Role.TITULAIRE, each.site)
        answer = await titulaire.try_deposit(ubl(draft), opening(draft, each.site, ubl))
        scene.tally.remarks.append((each.case, refused_by(answer, each.code)))
