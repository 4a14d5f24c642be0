"""A piece as it was deposited, which the platform keeps for ever."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime

from services.deposit.domain.invoice import Invoice
from shared.circuit.parties import Parties, Party
from shared.circuit.statuses import Act
from shared.vocabulary.amounts import Amounts, Change
from shared.vocabulary.attachments import StoredFile
from shared.vocabulary.cadres import Cadre
from shared.vocabulary.codes import ModePaiement, TypeTva
from shared.vocabulary.roles import Application, Role


@dataclass(frozen=True, slots=True)
class Recipient:
    """Who receives a piece, and in which application of the portal."""

    role: Role
    structure: str
    service: str | None
    application: Application


@dataclass(frozen=True, slots=True)
class JudgedBy:
    """A mandate or a sheet in the version by which a deposit was judged."""

    id: str
    version: int


@dataclass(frozen=True, slots=True)
class Draft:
    """A piece that no rule refuses, before it has an id, files and a moment of deposit."""

    cadre: Cadre
    label: str
    number: str
    issued_on: date
    currency: str
    amounts: Amounts
    type_code: str
    depositor_role: Role
    parties: Parties
    follows: str | None
    engagement: str | None
    marche: str | None
    type_tva: TypeTva | None
    mode_paiement: ModePaiement | None
    comment: str | None
    table_version: str
    directory: Mapping[str, int]
    """Versions of the structures that the draft was judged by."""
    changes: tuple[Change, ...]
    recipient: Recipient
    read: Invoice
    mandant: str | None = None
    """Structure for which the MOA of the dossier acts under a mandate."""
    mandate: JudgedBy | None = None
    """Mandate that allowed the deposit; None when none was needed."""
    settles: tuple[str, ...] = ()
    """Ids of the dossiers that a facture de régularisation settles."""
    lot: str | None = None
    """Lot of the marché."""
    sheet: JudgedBy | None = None
    """Sheet of the marché that the opener was checked against."""
    delays: Mapping[str, int] = field(default_factory=dict)
    """Days of the delays from which the marché derogates, by name of the delay."""

    @property
    def depositor(self) -> Party:
        """The structure that deposits, one of the parties."""
        party = self.parties.of(self.depositor_role)
        if party is None:
            raise LookupError(self.depositor_role)
        return party


@dataclass(frozen=True, slots=True)
class Completion:
    """An addition to a piece: a completion, or a contest."""

    attachments: tuple[StoredFile, ...]
    comment: str | None
    completed_at: datetime
    certificate_sha256: str
    dossier_version: int
    """Version of the dossier that awaited it: each version takes one addition."""
    act: Act = Act.COMPLETER
    by: Party | None = None
    role: Role | None = None
    """Role of who added it; None in an earlier release, where the depositor of the piece did."""
    user: str | None = None
    """Id of the principal who added it; None from before tokens."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A deposited piece."""

    id: str
    dossier_id: str
    draft: Draft
    file: StoredFile
    attachments: tuple[StoredFile, ...]
    certificate_sha256: str
    deposited_at: datetime
    completions: tuple[Completion, ...] = ()
    user: str | None = None
    """Id of the principal who deposited it; None from before tokens."""

    def find_completion(self, dossier_version: int) -> tuple[int, Completion]:
        """Find the completion that a version of the dossier took, and its rank, from 1."""
        return next(
            (rank, each)
            for rank, each in enumerate(self.completions, 1)
            if each.dossier_version == dossier_version
        )

    def find_attachment(self, sha256: str) -> StoredFile | None:
        """Find an attachment, deposited with the piece or added since."""
        added = (each for completion in self.completions for each in completion.attachments)
        return next((each for each in (*self.attachments, *added) if each.sha256 == sha256), None)
