"""E-invoices for tests: a valid one to start from, and the folder of real samples."""

from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

from pydantic import Field
from pydantic_settings import BaseSettings

from deploy.local.einvoices import Einvoice, Trader

ROOT = Path(__file__).parents[2]


class SampleSettings(BaseSettings):
    """Folder of the real e-invoices: `AIGUILLAGE_SAMPLES`, or a folder next to the clone."""

    folder: Path = Field(
        default=ROOT.parent / "shared" / "samples", validation_alias="AIGUILLAGE_SAMPLES"
    )


def an_einvoice(**fields: Any) -> Einvoice:  # noqa: ANN401 - the fields of an Einvoice
    """Build a valid works invoice, with `fields` changed."""
    valid = Einvoice(
        number="SIT-2026-11",
        issued_on=date(2026, 11, 20),
        cadre="A4",
        seller=Trader("Bâtisseurs du Rhône & fils", "73282932000074"),
        buyer=Trader("Ville de Vaubrun", "35600000000048"),
        ht=Decimal("10000.00"),
        engagement="ENG-1",
        marche="M-2026-7",
        service_code="TRAVAUX",
    )
    return replace(valid, **fields)


def a_regularisation(number: str, delegate: str, payer: str, ht: Decimal) -> Einvoice:
    """Build a valid facture de régularisation: a delegate sells, the payer of its mandate buys."""
    return an_einvoice(
        number=number,
        cadre="A1",
        seller=Trader("Société d'aménagement", delegate),
        buyer=Trader("Département du Vaubrun", payer),
        ht=ht,
        engagement=None,
        service_code=None,
    )
