"""The certificate of deposit: a PDF that says who deposited what, when, with which fingerprint."""

from dataclasses import dataclass
from datetime import datetime

from shared.vocabulary.amounts import Amounts
from shared.vocabulary.roles import Role


@dataclass(frozen=True, slots=True)
class FileFacts:
    """A deposited file as the certificate names it."""

    name: str
    size_bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class PartyFacts:
    """A structure as the certificate names it: its part in the piece, its name and id."""

    role: Role
    name: str
    structure: str


@dataclass(frozen=True, slots=True)
class CertificateFacts:
    """All that the certificate says; the same facts give the same bytes."""

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


def deposit_certificate(facts: CertificateFacts) -> bytes:
    """Lay out `facts` as an A4 PDF in French."""
    raise NotImplementedError
