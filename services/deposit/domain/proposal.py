"""What is submitted, before anything is judged."""

from dataclasses import dataclass, replace

from services.deposit.domain.attachments import Attached
from services.deposit.domain.invoice import Invoice
from services.deposit.domain.merging import merge
from services.deposit.domain.said import NOTHING_READ, Said
from shared.circuit.table import Circuit, parse_cadre
from shared.vocabulary.roles import Role
from shared.vocabulary.rules import Violation


@dataclass(frozen=True, slots=True)
class Proposal:
    """A piece as submitted: by whom, what the file says, what is said beside it.

    `unreadable` says why the file could not be read; `read` then has no field.
    """

    role: Role
    structure: str
    said: Said
    read: Invoice = NOTHING_READ
    unreadable: tuple[Violation, ...] = ()
    file_bytes: int = 0
    attachments: tuple[Attached, ...] = ()

    @property
    def fields(self) -> Invoice:
        """The fields of the piece, from the file and from beside it."""
        merged, _ = merge(self.read, self.said.fields)
        return replace(merged, cadre=merged.cadre and (parse_cadre(merged.cadre) or merged.cadre))

    def cited_number(self, circuit: Circuit) -> str | None:
        """The number of the piece that the file says it follows (BT-25).

        An opener follows nothing: what it cites is outside the platform.
        """
        cited, cadre = self.read.preceding_numbers, self.fields.cadre
        row = cadre and (circuit.row(cadre, moa=True) or circuit.row(cadre, moa=False))
        return cited[0] if len(cited) == 1 and row and not row.is_opener else None
