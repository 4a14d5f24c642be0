"""Parts that several answers hold."""

from dataclasses import asdict
from datetime import date
from typing import Self

from pydantic import BaseModel

from services.deposit.domain.invoice import Invoice
from services.deposit.domain.piece import Piece, Recipient
from shared.circuit.amounts import Prevailing
from shared.circuit.parties import Parties, Party
from shared.contracts.common_v1 import AmountsV1
from shared.contracts.fields import Difference, Montant
from shared.contracts.public_paths import public_path
from shared.vocabulary.amounts import Change
from shared.vocabulary.attachments import StoredFile
from shared.vocabulary.codes import Syntax
from shared.vocabulary.roles import Application, Role


class PartyAnswer(BaseModel):
    """A structure and its service."""

    structure: str
    service: str | None


class PartiesAnswer(BaseModel):
    """Who takes part in the dossier."""

    titulaire: PartyAnswer
    cotraitant: PartyAnswer | None = None
    sous_traitant: PartyAnswer | None = None
    moe: PartyAnswer | None = None
    moa: PartyAnswer | None = None
    service_financier: PartyAnswer

    @classmethod
    def of(cls, parties: Parties) -> Self:
        """Show parties."""
        return cls(**{role.value: party_answer(party) for role, party in parties.named()})


class NextAnswer(BaseModel):
    """Who receives the piece, and in which application."""

    role: Role
    structure: str
    service: str | None
    application: Application

    @classmethod
    def of(cls, recipient: Recipient) -> Self:
        """Show a recipient."""
        return cls(**asdict(recipient))


class NamedAnswer(BaseModel):
    """The seller or the buyer as the file names it."""

    name: str | None
    siret: str | None
    siren: str | None
    vat_number: str | None


class ReadAmountsAnswer(BaseModel):
    """The totals as the file gives them."""

    ht: Montant | None
    tva: Montant | None
    ttc: Montant | None
    due: Montant | None


class ReadAnswer(BaseModel):
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


class ChangeAnswer(BaseModel):
    """An amount beside that of the previous step."""

    field: str
    previous: Montant
    now: Montant
    difference: Difference

    @classmethod
    def of(cls, change: Change) -> Self:
        """Show a change."""
        return cls(
            field=change.field,
            previous=change.previous,
            now=change.now,
            difference=change.difference,
        )


class PrevailingAnswer(BaseModel):
    """The amounts that hold in a dossier, and are to be paid, as routing last told."""

    piece_id: str
    """The piece that states them."""
    amounts: AmountsV1
    is_settled: bool

    @classmethod
    def of(cls, prevailing: Prevailing) -> Self:
        """Show the amounts that hold."""
        return cls(
            piece_id=prevailing.piece_id,
            amounts=AmountsV1.of(prevailing.amounts),
            is_settled=prevailing.is_settled,
        )


class FileAnswer(BaseModel):
    """A file and where to download it."""

    name: str
    media_type: str
    size_bytes: int
    sha256: str
    url: str


class CertificateAnswer(BaseModel):
    """A certificate and where to download it."""

    url: str
    sha256: str


def party_answer(party: Party) -> PartyAnswer:
    """Show a party."""
    return PartyAnswer(structure=party.structure, service=party.service)


def file_answer(file: StoredFile, url: str) -> FileAnswer:
    """Show a file."""
    return FileAnswer(
        name=file.name,
        media_type=file.media_type,
        size_bytes=file.size_bytes,
        sha256=file.sha256,
        url=url,
    )


def attachment_answers(piece: Piece, files: tuple[StoredFile, ...]) -> tuple[FileAnswer, ...]:
    """Show attachments of a piece."""
    return tuple(
        file_answer(file, public_path("deposit", "pieces", piece.id, "attachments", file.sha256))
        for file in files
    )
