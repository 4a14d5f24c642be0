"""Parts that several HTTP answers of deposit share."""

from dataclasses import asdict
from datetime import date
from typing import Self

from services.deposit.domain.invoice import Invoice
from services.deposit.domain.piece import JudgedBy, Piece, Recipient
from shared.answers.answer import Answer
from shared.answers.pieces import ActorAnswer, PartyAnswer
from shared.circuit.parties import Parties
from shared.contracts.fields import Montant
from shared.contracts.public_paths import build_public_path
from shared.vocabulary.attachments import StoredFile
from shared.vocabulary.codes import Syntax
from shared.vocabulary.labels import ROLES
from shared.vocabulary.roles import Application


class PartiesAnswer(Answer):
    """The parties of a dossier."""

    titulaire: PartyAnswer
    cotraitant: PartyAnswer | None = None
    sous_traitant: PartyAnswer | None = None
    moe: PartyAnswer | None = None
    moa: PartyAnswer | None = None
    service_financier: PartyAnswer

    @classmethod
    def of(cls, parties: Parties) -> Self:
        """Show parties."""
        return cls(**{role.value: PartyAnswer.of(party) for role, party in parties.list_named()})


class NextAnswer(ActorAnswer):
    """The recipient of a piece, and its application of the portal."""

    application: Application

    @classmethod
    def of_recipient(cls, recipient: Recipient) -> Self:
        """Show a recipient."""
        return cls(**asdict(recipient), role_label=ROLES[recipient.role])


class NamedAnswer(Answer):
    """The seller or the buyer as the file names it."""

    name: str | None
    siret: str | None
    siren: str | None
    vat_number: str | None


class ReadAmountsAnswer(Answer):
    """The totals as the file states them."""

    ht: Montant | None
    tva: Montant | None
    ttc: Montant | None
    due: Montant | None


class ReadAnswer(Answer):
    """The core fields as they were read from the file."""

    syntax: Syntax
    number: str | None
    issued_on: date | None
    currency: str | None
    amounts: ReadAmountsAnswer
    type_code: str | None
    seller: NamedAnswer
    buyer: NamedAnswer
    cadre: str | None
    engagement: str | None
    marche: str | None
    service_code: str | None
    profile: str | None
    preceding_numbers: tuple[str, ...]

    @classmethod
    def of(cls, read: Invoice) -> Self:
        """Show what was read."""
        fields = asdict(read)
        amounts = {name: fields.pop(name) for name in ("ht", "tva", "ttc", "due")}
        return cls(**fields, amounts=ReadAmountsAnswer(**amounts))


class FileAnswer(Answer):
    """A file and where to download it."""

    name: str
    media_type: str
    size_bytes: int
    sha256: str
    url: str


class CertificateAnswer(Answer):
    """A certificate and where to download it."""

    url: str
    sha256: str


class JudgedMandateAnswer(Answer):
    """A mandate in the version by which a deposit was judged."""

    mandate_id: str
    version: int

    @classmethod
    def of_maybe(cls, judged_by: JudgedBy | None) -> Self | None:
        """Show the mandate of a deposit, if it needed one."""
        return cls(mandate_id=judged_by.id, version=judged_by.version) if judged_by else None


class JudgedSheetAnswer(Answer):
    """A sheet in the version by which an opener was judged."""

    sheet_id: str
    version: int

    @classmethod
    def of_maybe(cls, judged_by: JudgedBy | None) -> Self | None:
        """Show the sheet of an opener, if its marché has one."""
        return cls(sheet_id=judged_by.id, version=judged_by.version) if judged_by else None


def show_file(file: StoredFile, url: str) -> FileAnswer:
    """Show a file."""
    return FileAnswer(
        name=file.name,
        media_type=file.media_type,
        size_bytes=file.size_bytes,
        sha256=file.sha256,
        url=url,
    )


def show_attachments(piece: Piece, files: tuple[StoredFile, ...]) -> tuple[FileAnswer, ...]:
    """Show attachments of a piece."""
    return tuple(
        show_file(
            file, build_public_path("deposit", "pieces", piece.id, "attachments", file.sha256)
        )
        for file in files
    )
