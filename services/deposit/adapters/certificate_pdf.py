"""Certificate of a deposit or an addition: a PDF of who sent what, when, which fingerprints."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime
from decimal import Decimal

from fpdf import FPDF
from fpdf.fonts import FontFace

from shared.circuit.statuses import Act
from shared.vocabulary.amounts import Amounts, format_amount
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
_ENCODING = "cp1252"
"""WinAnsiEncoding, which fpdf declares for the fonts of PDF itself: Latin-1, œ, € and quotes."""
_SPACES = str.maketrans({"\u00a0": " ", "\u202f": " "})


@dataclass(frozen=True, slots=True)
class _Wording:
    """What a certificate calls itself, and the moment and the files that it attests."""

    title: str
    sentence: str
    author: str
    moment: str
    attachments: str


_DEPOSIT = _Wording(
    title="Certificat de dépôt",
    sentence="Factures de travaux. Ce certificat atteste que la pièce décrite ci-dessous a été "
    "déposée, et que ses fichiers ont les empreintes indiquées.",
    author="Déposant",
    moment="Déposée le",
    attachments="Pièces jointes",
)
_ADDITIONS: Mapping[Act, _Wording] = {
    Act.COMPLETER: _Wording(
        title="Certificat de complément",
        sentence="Factures de travaux. Ce certificat atteste que la pièce décrite ci-dessous, "
        "déposée auparavant, a été complétée, et que les pièces jointes ajoutées ont les "
        "empreintes indiquées.",
        author="Auteur du complément",
        moment="Complétée le",
        attachments="Pièces jointes ajoutées",
    ),
    Act.CONTESTER: _Wording(
        title="Certificat de contestation",
        sentence="Factures de travaux. Ce certificat atteste que la pièce décrite ci-dessous, "
        "déposée auparavant, a été contestée, et que les pièces jointes ajoutées ont les "
        "empreintes indiquées.",
        author="Auteur de la contestation",
        moment="Contestée le",
        attachments="Pièces jointes ajoutées",
    ),
}


@dataclass(frozen=True, slots=True)
class FileFacts:
    """A deposited file as the certificate names it."""

    name: str
    size_bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class PartyFacts:
    """A structure as the certificate names it: its role, name, id, and the service named."""

    role: Role
    name: str
    structure: str
    service: str | None = None


@dataclass(frozen=True, slots=True)
class StructureFacts:
    """A structure without a role in the dossier: its name and its id."""

    name: str
    structure: str


@dataclass(frozen=True, slots=True)
class JudgedByFacts:
    """A mandate or a sheet in the version by which the deposit was judged."""

    id: str
    version: int


@dataclass(frozen=True, slots=True)
class AdditionFacts:
    """An addition to a piece that was deposited before: a completion, or a contest."""

    act: Act
    by: PartyFacts
    at: datetime
    comment: str | None


@dataclass(frozen=True, slots=True)
class CertificateFacts:
    """Contents of a certificate; the same contents give the same bytes."""

    piece_id: str
    dossier_id: str
    depositor: PartyFacts
    cadre: str
    cadre_label: str
    number: str
    issued_on: date
    type_code: str
    is_credit_note: bool
    engagement: str | None
    marche: str | None
    comment: str | None
    follows: str | None
    currency: str
    amounts: Amounts
    parties: tuple[PartyFacts, ...]
    file: FileFacts
    attachments: tuple[FileFacts, ...]
    """Those of the addition when there is one."""
    deposited_at: datetime
    deposited_via: str
    addition: AdditionFacts | None = None
    """The addition that the certificate attests; None for the certificate of the deposit."""
    mandant: StructureFacts | None = None
    """Structure for which the MOA acts under a mandate."""
    mandate: JudgedByFacts | None = None
    settles: tuple[str, ...] = ()
    """Ids of the dossiers that a facture de régularisation settles."""
    lot: str | None = None
    sheet: JudgedByFacts | None = None

    @property
    def attested_at(self) -> datetime:
        """Moment that the certificate attests."""
        return self.addition.at if self.addition else self.deposited_at


def render_certificate(facts: CertificateFacts) -> bytes:
    """Render `facts` as an A4 PDF in French, with the same facts embedded as JSON."""
    pdf = _Certificate(facts)
    pdf.write_heading()
    for title, rows in _list_sections(facts):
        pdf.write_section(title, rows)
    pdf.write_closing()
    pdf.embed_file(
        bytes=json.dumps(
            asdict(facts), default=_write_plain, ensure_ascii=False, indent=1
        ).encode(),
        basename="certificat.json",
        mime_type="application/json",
        desc="Le contenu du certificat, pour une machine",
        modification_date=facts.attested_at,
        compress=True,
    )
    return bytes(pdf.output())


def _write_plain(value: date | Decimal) -> str:
    """Write a moment, a date or an amount for JSON, in the form that answers have."""
    if isinstance(value, Decimal):
        return format_amount(value)
    return _format_universal(value) if isinstance(value, datetime) else value.isoformat()


def _find_wording(facts: CertificateFacts) -> _Wording:
    return _ADDITIONS[facts.addition.act] if facts.addition else _DEPOSIT


@dataclass(frozen=True, slots=True)
class _Row:
    label: str
    value: str
    is_fingerprint: bool = False
    has_lines: bool = False
    """Whether a line break of the value is one: in a name it would forge a row."""


def _list_sections(facts: CertificateFacts) -> Iterator[tuple[str, list[_Row]]]:
    wording, addition = _find_wording(facts), facts.addition
    author = addition.by if addition else facts.depositor
    yield (
        "Qui",
        [
            _Row(wording.author, _format_name(author)),
            _Row("Rôle", _find_role_label(author)),
        ],
    )
    yield "Quand", list(_list_time_rows(facts, wording))
    if addition and addition.comment:
        yield "Explication", [_Row("Commentaire", addition.comment, has_lines=True)]
    yield ("Pièce" if addition else "Quoi"), list(_list_piece_rows(facts))
    yield "Acteurs", list(_list_party_rows(facts))
    yield ("Fichier de la pièce" if addition else "Fichier"), list(_list_file_rows(facts.file))
    if facts.attachments:
        rows = [row for attachment in facts.attachments for row in _list_file_rows(attachment)]
        yield wording.attachments, rows


def _list_party_rows(facts: CertificateFacts) -> Iterator[_Row]:
    for party in facts.parties:
        yield _Row(_find_role_label(party), _format_name(party))
    if facts.mandant:
        yield _Row("Mandant", f"{facts.mandant.name} ({facts.mandant.structure})")
    if facts.mandate:
        yield _Row("Mandat", _format_judged_by(facts.mandate))


def _format_judged_by(facts: JudgedByFacts) -> str:
    return f"{facts.id}, version {facts.version}"


def _format_name(party: PartyFacts) -> str:
    name = f"{party.name} ({party.structure})"
    return f"{name}, service {party.service}" if party.service else name


def _find_role_label(party: PartyFacts) -> str:
    return ROLES[party.role].capitalize()


def _list_time_rows(facts: CertificateFacts, wording: _Wording) -> Iterator[_Row]:
    yield _Row(wording.moment, _format_paris(facts.attested_at))
    yield _Row("Temps universel", _format_universal(facts.attested_at))
    yield _Row("Par", facts.deposited_via)
    if facts.addition:
        yield _Row("Pièce déposée le", _format_paris(facts.deposited_at))
        yield _Row("Temps universel du dépôt", _format_universal(facts.deposited_at))
    else:
        yield _Row("Statut", f"{STATUSES[Status.DEPOSEE]} ({Status.DEPOSEE})")


def _format_paris(moment: datetime) -> str:
    paris = moment.astimezone(PARIS)
    return f"{paris:%d/%m/%Y à %H:%M:%S}, heure de Paris ({paris.isoformat()[-6:]})"


def _format_universal(moment: datetime) -> str:
    utc = moment.astimezone(UTC)
    return utc.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _list_piece_rows(facts: CertificateFacts) -> Iterator[_Row]:
    yield _Row("Cadre", f"{facts.cadre} : {facts.cadre_label}")
    yield _Row("Numéro", facts.number)
    yield _Row("Date d'émission", f"{facts.issued_on:%d/%m/%Y}")
    if facts.is_credit_note:
        yield _Row("Type", f"avoir ({facts.type_code}) : ses montants se retranchent")
    sheet = _format_judged_by(facts.sheet) if facts.sheet else None
    for label, value in (
        ("Engagement", facts.engagement),
        ("Marché", facts.marche),
        ("Lot", facts.lot),
        ("Fiche du marché", sheet),
    ):
        if value:
            yield _Row(label, value)
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
    for dossier in facts.settles:
        yield _Row("Règle le dossier", dossier)
    if facts.comment:
        yield _Row("Commentaire du dépôt", facts.comment, has_lines=True)


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
        self.core_fonts_encoding = _ENCODING
        self._facts = facts
        self._wording = _find_wording(facts)
        self._has_codes = False
        # By default fpdf writes the current time, which would give other bytes each time.
        self.creation_date = facts.attested_at
        # fpdf replaces its placeholder for the number of pages (`{nb}`) in every text, in the name
        # of a file too: it is switched off.
        self.alias_nb_pages("")
        self.set_title(f"{self._wording.title} {facts.piece_id}")
        self.set_lang("fr-FR")
        self.set_margin(_MARGIN_MM)
        self.set_auto_page_break(auto=True, margin=_MARGIN_MM)
        self.set_draw_color(_RULE)
        self.add_page()

    def write_heading(self) -> None:
        self.set_text_color(_INK)
        self.set_font("Helvetica", "B", 20)
        self.cell(text=self._wording.title, h=10, new_x="LMARGIN", new_y="NEXT")
        self.set_font("Helvetica", size=9.5)
        self.set_text_color(_GREY)
        self.multi_cell(
            w=0,
            h=5,
            text=self._wording.sentence,
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
                lines = row.value.splitlines() if row.has_lines else [row.value]
                cells.cell("\n".join(map(self._to_printable, lines)), style=face)

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
        """Write a text in the signs that PDF fonts have; others become `<U+1234>`."""
        characters = normalise_nfc(text).translate(_SPACES)
        shown = "".join(
            character if _has_glyph(character) else f"<U+{ord(character):04X}>"
            for character in characters
        )
        self._has_codes = self._has_codes or shown != characters
        return shown


def _has_glyph(character: str) -> bool:
    return character.isprintable() and bool(character.encode(_ENCODING, "ignore"))
