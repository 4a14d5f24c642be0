"""Structures of the scene of `make authz`, and which of them a row names."""

from collections.abc import Mapping

from deploy.local.demo.structures import COTRAITANT, MAIRIE, MOE, TITULAIRE
from shared.vocabulary.siret import is_siret

RHONE, LAGARDE, TOWN, OTHER = TITULAIRE.siret, MOE.siret, MAIRIE.siret, COTRAITANT.siret
"""The supplier, its architect and its customer, of which one person is the main manager; and the
structure of the stranger."""
NAMED: Mapping[str, str] = {
    "titulaire": RHONE,
    "moe": LAGARDE,
    "moa": TOWN,
    "service_financier": TOWN,
    "metier": TOWN,
}
"""Structure that a row names, by its role or desk; the platform's desk has none."""
DESKS = frozenset({"metier", "technique"})


def build_siret(rank: int) -> str:
    """Build the SIRET of a structure that nobody has declared."""
    stem = f"900{rank:06d}0002"
    return next(stem + str(key) for key in range(10) if is_siret(stem + str(key)))


NOBODYS = build_siret(1)


def build_choice(role: str) -> dict[str, str]:
    """Build the headers by which a caller chooses the structure and the role, or desk, of a row."""
    headers = {"X-Structure": NAMED[role]} if role in NAMED else {}
    if role in DESKS:
        return {**headers, "X-Desk": role}
    return {**headers, "X-Role": role} if role else {}
