"""A delegate, its mandate, a dossier that it has paid, and the A1 that settles it."""

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

from services.deposit.domain.file_party import Party as FileParty
from services.deposit.domain.judgement import World
from services.deposit.domain.metadata import Metadata
from services.deposit.domain.proposal import Proposal
from services.deposit.domain.settlements import SettledDossier
from services.deposit.domain.turns import DossierState
from shared.circuit.amounts import Prevailing
from shared.circuit.loader import load_version
from shared.circuit.mandates import Mandate
from shared.circuit.parties import Party
from shared.vocabulary.amounts import Amounts
from shared.vocabulary.roles import Role
from shared.vocabulary.statuses import Status
from tests.unit.deposit.builders import MOA, PARTIES, PAYER, READ, WORLD, a_piece

MANDANT, MARCHE = "26690036900014", "M-2026-7"
"""Structure for which MOA acts, and the marché; PAYER pays for the mandant."""


def a_mandate(**changes: Any) -> Mandate:  # noqa: ANN401 - any field of a mandate
    """Give a mandate for all marchés, with `changes`."""
    whole = Mandate("m-0", 2, MANDANT, MOA, PAYER, date(2026, 1, 1), date(2026, 12, 31))
    return replace(whole, **changes)


def a_paid_dossier(
    id_: str = "d-1",
    due: str = "120.00",
    type_code: str = "380",
    currency: str = "EUR",
    is_claimed: bool = False,
    **changes: Any,  # noqa: ANN401 - any field of the state of a dossier
) -> SettledDossier:
    """Give a dossier that the delegate has paid for its mandant."""
    draft = replace(a_piece().draft, type_code=type_code, currency=currency)
    amount = Decimal(due)
    state = DossierState(
        id=id_,
        version=9,
        table_version="2026-3",
        parties=replace(PARTIES, service_financier=Party(MOA)),
        statuses={"p-1": Status.ASSOCIEE, "p-2": Status.MISE_EN_PAIEMENT},
        reported={},
        prevailing=Prevailing("p-2", Amounts(amount, Decimal(0), amount, amount), is_settled=True),
        mandant=MANDANT,
        marche=MARCHE,
        level=2,
    )
    return SettledDossier(replace(state, **changes), draft, is_claimed)


SETTLED = {"d-1": a_paid_dossier()}
A1 = Proposal(
    role=Role.MOA,
    structure=MOA,
    metadata=Metadata(mandant=MANDANT, settles=("d-1",)),
    read=replace(
        READ,
        number="REG-1",
        cadre="A1",
        marche=MARCHE,
        seller=FileParty("Société d'aménagement", MOA),
        buyer=FileParty("Ville", PAYER),
    ),
)
A1_WORLD: World = replace(
    WORLD, circuit=load_version("2026-3"), mandates=(a_mandate(),), settled=SETTLED
)
