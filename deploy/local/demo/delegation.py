"""MOA déléguée and sheet of a marché: a mandate, its circuit, its facture de régularisation.

The platform writes the newest level in the demo: below it, no mandate and no A1 is taken.
"""

from datetime import timedelta
from typing import Any

import httpx

from deploy.local.demo.actor import Answer, Unexpected, expect
from deploy.local.demo.context import DemoContext, build_opening
from deploy.local.demo.journeys import PAID
from deploy.local.demo.pieces import write_pdf, write_ubl
from deploy.local.demo.runs import check_refused_by
from deploy.local.demo.steps import Deposit, Journey
from deploy.local.demo.structures import (
    COTRAITANT,
    DELEGATE,
    MAIRIE,
    MOE,
    ONE_SIRET,
    TITULAIRE,
    Marche,
)
from shared.vocabulary.roles import Role
from shared.vocabulary.statuses import Status

_DELEGATED = Marche(DELEGATE, DELEGATE, mandant=MAIRIE)
_REGULARISED = Marche(DELEGATE, MAIRIE, mandant=MAIRIE, titulaire=DELEGATE, moe=None)
_SHEET_NUMBER = "2026-T-017"
_NOT_OF_SHEET = "DEP-FICHE-01"
_ACOMPTE = "acompte, sous mandat"

UNDER_MANDATE = (
    Journey(
        _ACOMPTE,
        _DELEGATED,
        write_ubl,
        (
            Deposit(Role.TITULAIRE, "A4", then=(Status.A_ASSOCIER_MOE,), to=(Role.MOE,)),
            Deposit(Role.MOE, "A15", then=(Status.A_ASSOCIER_MOA,), to=(Role.MOA,)),
            Deposit(
                Role.MOA, "A19", then=(Status.MISE_A_DISPOSITION,), to=(Role.SERVICE_FINANCIER,)
            ),
            *PAID,
        ),
    ),
)
REGULARISED = (
    Journey(
        "facture de régularisation, payée par le mandant",
        _REGULARISED,
        write_pdf,
        (
            Deposit(
                Role.MOA,
                "A1",
                then=(Status.MISE_A_DISPOSITION,),
                to=(Role.SERVICE_FINANCIER,),
                settles=_ACOMPTE,
            ),
            *PAID,
        ),
    ),
)
"""Journeys to run once those under the mandate have been paid."""


async def give_mandate(context: DemoContext) -> None:
    """Declare the delegate, record the mandate, and wait until deposit accepts a piece under it."""
    delegate = context.build_member(DELEGATE)
    await delegate.declare(DELEGATE.build_declaration())
    await delegate.wait_until_known()
    mandant = context.build_member(MAIRIE)
    answer = await context.services.organisation.post(
        f"/structures/{MAIRIE.siret}/mandates",
        headers=mandant.headers,
        data={
            "delegate": DELEGATE.siret,
            "valid_from": context.today.isoformat(),
            "valid_until": (context.today + timedelta(days=730)).isoformat(),
        },
        files={"file": ("mandat.pdf", write_pdf(context.build_draft("A4", _DELEGATED)).content)},
    )
    expect(answer, 201)
    draft = context.build_draft("A4", _DELEGATED)
    titulaire = context.build_actor(Role.TITULAIRE, _DELEGATED)
    await titulaire.wait_until_accepted(
        write_ubl(draft), build_opening(draft, _DELEGATED, write_ubl)
    )


async def deposit_against_sheet(context: DemoContext) -> None:
    """Fill in the sheet of a marché, and check that it refuses a MOE that it does not name."""
    moa = context.build_member(MAIRIE)
    answer = await context.services.organisation.post(
        f"/structures/{MAIRIE.siret}/sheets",
        headers=moa.headers,
        json={
            "number": _SHEET_NUMBER,
            "title": "Rénovation du groupe scolaire",
            "actors": [
                {"role": "titulaire", "structure": TITULAIRE.siret},
                {"role": "moe", "structure": MOE.siret},
            ],
        },
    )
    expect(answer, 201)
    draft = context.build_draft("A4", ONE_SIRET)
    opening = build_opening(draft, ONE_SIRET, write_ubl) | {"marche": _SHEET_NUMBER}
    opening["parties"] |= {"moe": {"structure": COTRAITANT.siret}}
    titulaire = context.build_actor(Role.TITULAIRE, ONE_SIRET)
    # Deposit learns of the sheet a moment later.
    await titulaire.wait_until_refused(write_ubl(draft), opening)
    refused = await titulaire.try_deposit(write_ubl(draft), opening)
    check_refused_by(refused, _NOT_OF_SHEET)
    fields = [each["field"] for each in refused.json()["violations"]]
    if fields != ["parties.moe.structure"]:
        raise Unexpected(f"the sheet must refuse the MOE alone: {refused.text}")
    context.tally.remarks.append(
        ("MOE que la fiche du marché ne nomme pas", f"422 {_NOT_OF_SHEET}, {fields[0]}")
    )


async def check_emitted(context: DemoContext, portal: httpx.AsyncClient) -> None:
    """Check that the delegate finds its facture de régularisation in Factures émises, alone."""
    delegate = context.build_member(DELEGATE, Role.MOA)
    answer = await portal.get(
        "/pieces", params={"application": "factures_emises"}, headers=delegate.headers
    )
    found: Answer = expect(answer, 200)
    cadres: list[Any] = [piece["cadre"] for piece in found["pieces"]]
    if cadres != ["A1"]:
        raise Unexpected(f"Factures émises must list the A1 alone: {cadres}")
    context.tally.remarks.append(("Factures émises de la MOA déléguée", ", ".join(cadres)))
