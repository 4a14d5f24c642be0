"""The metadata of a deposit: what the depositor states beside the file."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from services.deposit.domain.invoice import Invoice
from shared.circuit.parties import Party
from shared.vocabulary.codes import ModePaiement, Syntax, TypeTva
from shared.vocabulary.roles import Role

EMPTY_INVOICE = Invoice(syntax=Syntax.PDF)
"""An invoice without a field, such as a plain PDF gives."""


@dataclass(frozen=True, slots=True)
class Follows:
    """The piece that a next piece follows: by its id, or by its depositor and number."""

    piece_id: str | None = None
    depositor: str | None = None
    number: str | None = None


@dataclass(frozen=True, slots=True)
class Metadata:
    """What the depositor states beside the file.

    `fields` holds the fields that an e-invoice also has, malformed ones included, so that the same
    rules judge both. A party without a structure states a service alone.
    """

    fields: Invoice = EMPTY_INVOICE
    parties: Mapping[Role, Party] = field(default_factory=dict)
    follows: Follows | None = None
    type_tva: TypeTva | None = None
    mode_paiement: ModePaiement | None = None
    comment: str | None = None
    mandant: str | None = None
    """Structure for which the MOA acts under a mandate."""
    settles: tuple[str, ...] = ()
    """Ids of the dossiers that a facture de régularisation settles."""
    lot: str | None = None
    """Lot of the marché."""
    opens: bool = False
    """The depositor wants to open a dossier although another dossier awaits the same deposit."""
