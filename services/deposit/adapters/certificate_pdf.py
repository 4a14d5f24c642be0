"""Certificate of deposit: a PDF that says who deposited what, when, with which fingerprint."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from decimal import Decimal

from fpdf import FPDF
from fpdf.fonts import FontFace

from shared.vocabulary.amounts import Amounts
from shared.vocabulary.dates import PARIS
from shared.vocabulary.labels import ROLES, STATUSES
from shared.vocabulary.roles import Role
from shared.vocabulary.statuses import Status
from shared.vocabulary.texts import normalise_nfc

_INK = 30
_GREY = 110
_RULE = 190
_MARGIN_MM = 20
_SECTION_START_MM = 30
"""Height of a title and its first row, which a page break never separates."""
_LABEL_SHARE, _VALUE_SHARE = 27, 73
_TYPOGRAPHY = str.maketrans(
    {"’": "'", "‘": "'", "“": '"', "”": '"', "–": "-", "—": "-", "…": "...", "€": "EUR", "œ": "oe"}
    | {"Œ": "OE", "\u00a0": " ", "\u202f": " "}
)


@dataclass(frozen=True, slots=True)
class FileFacts:
    """A deposited file as the certificate names it."""

    name: str
    size_bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class PartyFacts:
    """A structure as the certificate names it: its role, its name and its id."""

    role: Role
    name: str
    structure: str


@dataclass(frozen=True, slots=True)
class CertificateFacts:
    """Contents of a certificate; the same contents give the same bytes."""

    piece_id: str
    dossier_id: str
    depositor: PartyFacts
    cadre: str
    cadre_label: str
    number: str
    follows: str | None
    currency: str
    amounts: Amounts
    parties: tuple[PartyFacts, ...]
    file: FileFacts
    attachments: tuple[FileFacts, ...]
    deposited_at: datetime
    deposited_via: str


def render_certificate(facts: CertificateFacts) -> bytes:
    """Render `facts` as an A4 PDF in French, with the same facts embedded as JSON."""
    pdf = _Certificate(facts)
    pdf.write_heading()
    for title, rows in _list_sections(facts):
        pdf.write_section(title, rows)
    pdf.write_closing()
    pdf.embed_file(
        bytes=json.dumps(asdict(facts), default=str, ensure_ascii=False, indent=1).encode(),
        basename="certificat.json",
        mime_type="application/json",
        desc="Le contenu du certificat, pour une machine",
        modification_date=facts.deposited_at,
        compress=True,
    )
    return bytes(pdf.output())


@dataclass(frozen=True, slots=True)
class _Row:
    label: str
    value: str
    is_fingerprint: bool = False


def _list_sections(facts: CertificateFacts) -> Iterator[tuple[str, list[_Row]]]:
    yield (
        "Qui",
        [
            _Row("Déposant", _format_name(facts.depositor)),
            _Row("Rôle", _find_role_label(facts.depositor)),
        ],
    )
    yield "Quand", list(_list_time_rows(facts))
    yield "Quoi", list(_list_piece_rows(facts))
    yield "Acteurs", [_Row(_find_role_label(party), _format_name(party)) for party in facts.parties]
    yield "Fichier", list(_list_file_rows(facts.file))
    if facts.attachments:
        rows = [row for attachment in facts.attachments for row in _list_file_rows(attachment)]
        yield "Pièces jointes", rows


def _format_name(party: PartyFacts) -> str:
    return f"{party.name} ({party.structure})"


def _find_role_label(party: PartyFacts) -> str:
    return ROLES[party.role].capitalize()


def _list_time_rows(facts: CertificateFacts) -> Iterator[_Row]:
    paris, utc = facts.deposited_at.astimezone(PARIS), facts.deposited_at.astimezone(UTC)
    yield _Row(
        "Déposée le", f"{paris:%d/%m/%Y à %H:%M:%S}, heure de Paris ({paris.isoformat()[-6:]})"
    )
    yield _Row("Temps universel", utc.isoformat(timespec="milliseconds").replace("+00:00", "Z"))
    yield _Row("Déposée par", facts.deposited_via)
    yield _Row("Statut", f"{STATUSES[Status.DEPOSEE]} ({Status.DEPOSEE})")


def _list_piece_rows(facts: CertificateFacts) -> Iterator[_Row]:
    yield _Row("Cadre", f"{facts.cadre} : {facts.cadre_label}")
    yield _Row("Numéro", facts.number)
    for label, amount in (
        ("Montant HT", facts.amounts.ht),
        ("TVA", facts.amounts.tva),
        ("Montant TTC", facts.amounts.ttc),
        ("À payer", facts.amounts.due),
    ):
        yield _Row(label, f"{_format_amount(amount)} {facts.currency}")
    yield _Row("Dossier", facts.dossier_id)
    yield _Row("Pièce", facts.piece_id)
    yield _Row("Fait suite à", facts.follows or "aucune pièce : elle ouvre le dossier")


def _list_file_rows(file: FileFacts) -> Iterator[_Row]:
    yield _Row("Nom", file.name)
    yield _Row("Taille", f"{_group_digits(file.size_bytes)} octets")
    yield _Row("SHA-256", file.sha256, is_fingerprint=True)


def _format_amount(amount: Decimal) -> str:
    return f"{amount:,.2f}".replace(",", " ").replace(".", ",")


def _group_digits(number: int) -> str:
    return f"{number:,}".replace(",", " ")


class _Certificate(FPDF):
    """The PDF: a heading, sections of labels and values, and the piece's id on each page."""

    def __init__(self, facts: CertificateFacts) -> None:
        super().__init__(format="A4")
        self._facts = facts
        self._has_codes = False
        # By default fpdf writes the current time, which would give other bytes each time.
        self.creation_date = facts.deposited_at
        # fpdf replaces its placeholder for the number of pages (`{nb}`) in every text, in the name
        # of a file too: it is switched off.
        self.alias_nb_pages("")
        self.set_title(f"Certificat de dépôt {facts.piece_id}")
        self.set_lang("fr-FR")
        self.set_margin(_MARGIN_MM)
        self.set_auto_page_break(auto=True, margin=_MARGIN_MM)
        self.set_draw_color(_RULE)
        self.add_page()

    def write_heading(self) -> None:
        self.set_text_color(_INK)
        self.set_font("Helvetica", "B", 20)
        self.cell(text="Certificat de dépôt", h=10, new_x="LMARGIN", new_y="NEXT")
        self.set_font("Helvetica", size=9.5)
        self.set_text_color(_GREY)
        self.multi_cell(
            w=0,
            h=5,
            text="Factures de travaux. Ce certificat atteste que la pièce décrite ci-dessous a été "
            "déposée, et que ses fichiers ont les empreintes indiquées.",
            align="L",
            new_x="LMARGIN",
            new_y="NEXT",
        )

    def write_section(self, title: str, rows: Iterable[_Row]) -> None:
        if self.will_page_break(_SECTION_START_MM):
            self.add_page()
        self.ln(4)
        self.set_font("Helvetica", "B", 11)
        self.set_text_color(_INK)
        self.cell(text=title, h=7, new_x="LMARGIN", new_y="NEXT")
        self.set_font("Helvetica", size=9.5)
        label_face = FontFace(color=_GREY)
        fingerprint_face = FontFace(family="Courier", size_pt=9)
        with self.table(
            col_widths=(_LABEL_SHARE, _VALUE_SHARE),
            borders_layout="HORIZONTAL_LINES",
            first_row_as_headings=False,
            line_height=4.6,
            padding=(0.6, 1),
            text_align="LEFT",
            v_align="TOP",
        ) as table:
            for row in rows:
                cells = table.row()
                cells.cell(self._to_printable(row.label), style=label_face)
                face = fingerprint_face if row.is_fingerprint else None
                cells.cell(self._to_printable(row.value), style=face)

    def write_closing(self) -> None:
        if not self._has_codes:
            return
        self.ln(3)
        self.set_font("Helvetica", size=8)
        self.set_text_color(_GREY)
        self.multi_cell(
            w=0,
            h=4,
            text="Les signes que cette police ne possède pas sont notés par leur code Unicode, "
            "<U+...> ; le fichier certificat.json joint à ce PDF les donne tels quels.",
            align="L",
        )

    def footer(self) -> None:
        self.set_y(-14)
        self.set_font("Helvetica", size=8)
        self.set_text_color(_GREY)
        self.cell(w=0, h=5, text=f"Pièce {self._facts.piece_id}")
        self.set_x(self.l_margin)
        self.cell(w=0, h=5, text=f"page {self.page_no()}", align="R")

    def _to_printable(self, text: str) -> str:
        """Convert a text to Latin-1, as PDF fonts require; other signs become `<U+1234>`."""
        characters = normalise_nfc(text).translate(_TYPOGRAPHY)
        shown = "".join(
            character if _is_latin1(character) else f"<U+{ord(character):04X}>"
            for character in characters
        )
        self._has_codes = self._has_codes or shown != characters
        return shown


def _is_latin1(character: str) -> bool:
    return character.isprintable() and ord(character) <= 0xFF  # noqa: PLR2004
