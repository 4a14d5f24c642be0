"""A proposal: a deposit as submitted, before it is judged."""

from dataclasses import dataclass, replace

from services.deposit.domain.fields import merge
from services.deposit.domain.invoice import Invoice
from services.deposit.domain.metadata import EMPTY_INVOICE, Metadata
from shared.circuit.table import Circuit
from shared.vocabulary.attachments import Attached
from shared.vocabulary.cadres import parse_cadre
from shared.vocabulary.roles import Role
from shared.vocabulary.rules import Violation


@dataclass(frozen=True, slots=True)
class Proposal:
    """A piece as submitted: its depositor, the fields of its file, its metadata.

    `unreadable` says why the file could not be read; `read` then has no field.
    """

    role: Role
    structure: str
    metadata: Metadata
    read: Invoice = EMPTY_INVOICE
    unreadable: tuple[Violation, ...] = ()
    file_bytes: int = 0
    attachments: tuple[Attached, ...] = ()
    service: str | None = None
    """Service to which the habilitation of the depositor is limited."""
    may_issue: bool = True
    """Whether the depositor may issue invoices of its own: application *Factures émises*."""

    @property
    def fields(self) -> Invoice:
        """Fields of the piece, from the file and from the metadata."""
        merged, _ = merge(self.read, self.metadata.fields)
        return replace(merged, cadre=merged.cadre and (parse_cadre(merged.cadre) or merged.cadre))

    @property
    def cited_number(self) -> str | None:
        """Number of the piece that the file cites (BT-25); None unless it cites exactly one."""
        cited = self.read.preceding_numbers
        return cited[0] if len(cited) == 1 else None

    def may_open(self, circuit: Circuit) -> bool:
        """Tell whether a piece of this cadre may open a dossier."""
        cadre = self.fields.cadre
        rows = [circuit.find_row(cadre, moa=moa) for moa in (True, False)] if cadre else []
        return any(row.is_opener for row in rows if row)
