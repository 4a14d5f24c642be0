"""Events of `services/deposit`: a piece was deposited, completed or contested."""

from typing import ClassVar

from pydantic import Field

from shared.contracts.common_v1 import (
    ActorV1,
    AmountsV1,
    FileV1,
    JudgedByV1,
    PartiesV1,
    PartyV1,
)
from shared.contracts.envelope import Payload
from shared.contracts.fields import DelayDays, Identifier, IsoDate, Moment, Sha256, Versions
from shared.vocabulary.codes import ModePaiement, Syntax, TypeTva
from shared.vocabulary.roles import Role


class PieceDeposited(Payload):
    """A piece entered the platform: its depositor holds a certificate of deposit for it."""

    event_type: ClassVar[str] = "fr.aiguillage.piece.deposee.v1"

    piece_id: Identifier
    dossier_id: Identifier
    cadre: Identifier
    number: Identifier
    issued_on: IsoDate
    currency: Identifier
    amounts: AmountsV1
    depositor_role: Role
    depositor: PartyV1
    parties: PartiesV1
    follows: Identifier | None = None
    """Piece id of the previous piece; absent on an opener."""
    engagement: Identifier | None = None
    marche: Identifier | None = None
    type_tva: TypeTva | None = None
    mode_paiement: ModePaiement | None = None
    type_code: Identifier
    """BT-3, UNTDID 1001: 380 for an invoice, 381 for a credit note."""
    syntax: Syntax
    file: FileV1
    attachments: tuple[FileV1, ...] = ()
    comment: str | None = None
    certificate_sha256: Sha256
    table_version: Identifier
    """Version of the circuit table by which the deposit was judged."""
    directory: Versions
    """Versions of the structures by which the deposit was judged."""
    deposited_at: Moment
    user: Identifier | None = None
    """Id of the principal who acted; absent from before tokens, and where the platform acted."""
    mandant: Identifier | None = None
    """Structure for which the MOA acts under a mandate; absent when it acts for itself.

    It is of the whole dossier: a next piece repeats it.
    """
    mandate: JudgedByV1 | None = None
    """Mandate by which the deposit was judged; absent when none was needed."""
    settles: tuple[Identifier, ...] = ()
    """Dossiers that a facture de régularisation (A1) settles; empty for any other piece."""
    lot: Identifier | None = None
    """Lot of the marché."""
    sheet: JudgedByV1 | None = None
    """Sheet of the marché by which an opener was judged; absent when it has none."""
    delays: DelayDays = Field(default_factory=dict)
    """Days of the delays from which the marché derogates, by the sheet; of the whole dossier."""


class PieceContested(Payload):
    """The recipient of a décompte général contests it, with its reasons."""

    event_type: ClassVar[str] = "fr.aiguillage.piece.contestee.v1"

    piece_id: Identifier
    dossier_id: Identifier
    by: ActorV1
    attachments: tuple[FileV1, ...] = ()
    comment: str
    certificate_sha256: Sha256 | None = None
    contested_at: Moment
    user: Identifier | None = None
    """Id of the principal who acted; absent from before tokens, and where the platform acted."""


class PieceCompleted(Payload):
    """The depositor of a suspended piece added what was missing."""

    event_type: ClassVar[str] = "fr.aiguillage.piece.completee.v1"

    piece_id: Identifier
    dossier_id: Identifier
    by: ActorV1
    attachments: tuple[FileV1, ...] = ()
    comment: str | None = None
    certificate_sha256: Sha256 | None = None
    completed_at: Moment
    user: Identifier | None = None
    """Id of the principal who acted; absent from before tokens, and where the platform acted."""
