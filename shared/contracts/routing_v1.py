"""Events of `services/routing`: a piece for an actor, a status, the state of a dossier."""

from typing import ClassVar, Self

from shared.circuit.amounts import Prevailing
from shared.contracts.common_v1 import ActorV1, AmountsV1, FileV1, Part, PartiesV1, PartyV1
from shared.contracts.envelope import Payload
from shared.contracts.fields import Difference, Identifier, IsoDate, Moment, Montant, Version
from shared.vocabulary.amounts import Change
from shared.vocabulary.roles import Application, Purpose, Role
from shared.vocabulary.statuses import Status


class PrevailingV1(Part):
    """Prevailing amounts of a dossier, and the piece that states them."""

    piece_id: Identifier
    cadre: Identifier
    number: Identifier
    currency: Identifier
    amounts: AmountsV1
    type_code: Identifier | None = None
    """BT-3 of that piece: the amounts of a credit note (381) are to be taken away."""
    is_settled: bool
    """Whether the amounts are final."""

    def to_domain(self) -> Prevailing:
        """Convert to the domain."""
        return Prevailing(self.piece_id, self.amounts.to_domain(), self.is_settled)


class DifferenceV1(Part):
    """A total that differs between two pieces."""

    field: Identifier
    """`ht`, `tva`, `ttc` or `due`."""
    other: Montant
    """Total of the other piece."""
    stated: Montant
    """Total of this piece."""
    difference: Difference
    """`stated` minus `other`; negative when this piece states less."""

    @classmethod
    def of(cls, change: Change) -> Self:
        """Build from the domain."""
        return cls(
            field=change.field,
            other=change.previous,
            stated=change.now,
            difference=change.difference,
        )


class ReasonV1(Part):
    """Why a piece comes: the last act on it, or the delay that has passed."""

    act: Identifier | None = None
    """Act, such as `suspendre`, `completer` or `recycler`; absent when a delay passed."""
    delay: Identifier | None = None
    """Name of the delay, as in the table of delays; absent when somebody acted."""
    by: ActorV1
    """Who acted, or whom the delay awaited in vain."""
    comment: str | None = None
    at: Moment


class PieceForwarded(Payload):
    """A piece is forwarded to an actor, to act on it or for information."""

    event_type: ClassVar[str] = "fr.aiguillage.piece.acheminee.v1"

    piece_id: Identifier
    dossier_id: Identifier
    cadre: Identifier
    number: Identifier
    issued_on: IsoDate
    currency: Identifier
    amounts: AmountsV1
    """Amounts that the piece states; `prevailing` holds those to be paid."""
    type_code: Identifier | None = None
    """BT-3, UNTDID 1001: the amounts of a credit note (381) are to be taken away."""
    prevailing: PrevailingV1 | None = None
    differences: tuple[DifferenceV1, ...] = ()
    """Totals that differ from the prevailing ones."""
    changes: tuple[DifferenceV1, ...] = ()
    """Totals that differ from those of the piece that it follows."""
    sender: ActorV1
    role: Role
    recipient: PartyV1
    application: Application
    purpose: Purpose
    next_cadres: tuple[Identifier, ...] = ()
    """Cadres that the recipient may deposit next."""
    acts: tuple[Identifier, ...] = ()
    """Acts that the recipient may do to the piece now."""
    reason: ReasonV1 | None = None
    """Absent for a piece just deposited."""
    engagement: Identifier | None = None
    marche: Identifier | None = None
    file: FileV1
    attachments: tuple[FileV1, ...] = ()
    deposited_at: Moment
    forwarded_at: Moment


class StatusChanged(Payload):
    """A piece changed its status."""

    event_type: ClassVar[str] = "fr.aiguillage.piece.statut.v1"

    piece_id: Identifier
    dossier_id: Identifier
    cadre: Identifier
    number: Identifier
    status: Status
    previous: Status | None = None
    """Absent for a deposit. The same as `status` when an addition came too late: nothing changed,
    and `motive` is ROU-AJOUT-01, whichever rule refused it."""
    by: ActorV1 | None = None
    """Who acted; absent when the platform acted."""
    motive: Identifier | None = None
    comment: str | None = None
    parties: PartiesV1
    depositor: ActorV1
    payment_not_reported: bool = False
    """The service financier does not report its payments: see `is_visible_to`."""
    at: Moment
    user: Identifier | None = None
    """Id of the principal who acted; absent from before tokens, and where the platform acted."""
    marche: Identifier | None = None
    """Number of the marché, as the piece that opened the dossier states it; absent where it states
    none, and from before."""


class TurnV1(Part):
    """Another actor who may act instead of the one awaited."""

    role: Role
    structure: Identifier
    service: Identifier | None = None
    cadres: tuple[Identifier, ...] = ()
    acts: tuple[Identifier, ...] = ()


class AwaitedV1(Part):
    """Who must act now, on which piece, and since when."""

    role: Role
    structure: Identifier
    service: Identifier | None = None
    piece_id: Identifier
    cadres: tuple[Identifier, ...] = ()
    """Cadres that may follow the piece."""
    acts: tuple[Identifier, ...] = ()
    since: Moment
    held: Identifier | None = None
    """Code of the rule that holds the piece back from its recipient; absent otherwise."""
    due: Moment | None = None
    """Deadline of the actor awaited; absent when no delay runs."""
    others: tuple[TurnV1, ...] = ()
    """Others who may act; the first of all those awaited to act decides."""

    @property
    def turns(self) -> tuple[TurnV1, ...]:
        """Turns of all who may act, the actor awaited first."""
        first = TurnV1(
            role=self.role,
            structure=self.structure,
            service=self.service,
            cadres=self.cadres,
            acts=self.acts,
        )
        return (first, *self.others)


class PieceStateV1(Part):
    """State of one piece of a dossier."""

    piece_id: Identifier
    cadre: Identifier
    number: Identifier
    status: Status
    depositor: ActorV1
    status_at: Moment | None = None
    reported: Status | None = None
    """Status shown to those from whom the payment is hidden: see `is_visible_to`."""
    reported_at: Moment | None = None
    follows: Identifier | None = None
    issued_on: IsoDate | None = None
    deposited_at: Moment | None = None
    currency: Identifier | None = None
    amounts: AmountsV1 | None = None
    type_code: Identifier | None = None
    """BT-3, UNTDID 1001: the amounts of a credit note (381) are to be taken away."""
    engagement: Identifier | None = None
    marche: Identifier | None = None
    settles: tuple[Identifier, ...] = ()
    """Dossiers that a facture de régularisation (A1) settles; empty for any other piece."""

    @property
    def status_before_payment(self) -> Status:
        """The status for those from whom a payment is hidden (see `is_visible_to`).

        A state published before `reported` existed has none: a paid piece is MISE_A_DISPOSITION.
        """
        is_paid = self.status is Status.MISE_EN_PAIEMENT
        return self.reported or (Status.MISE_A_DISPOSITION if is_paid else self.status)


class DelayElapsed(Payload):
    """The delay of the actor awaited has elapsed; the dossier's state holds the effect."""

    event_type: ClassVar[str] = "fr.aiguillage.dossier.echeance.v1"

    dossier_id: Identifier
    piece_id: Identifier
    cadre: Identifier
    number: Identifier
    delay: Identifier
    """Name of the delay, as in the table of delays."""
    role: Role
    structure: Identifier
    service: Identifier | None = None
    since: Moment
    due: Moment
    parties: PartiesV1
    at: Moment


class DelayReminded(Payload):
    """The delay of the actor awaited ends soon: a reminder, sent once for a delay."""

    event_type: ClassVar[str] = "fr.aiguillage.dossier.rappel.v1"

    dossier_id: Identifier
    piece_id: Identifier
    cadre: Identifier
    number: Identifier
    delay: Identifier
    """Name of the delay, as in the table of delays."""
    role: Role
    structure: Identifier
    service: Identifier | None = None
    since: Moment
    due: Moment
    """Deadline; for a payment it is indicative."""
    parties: PartiesV1
    at: Moment


class DossierChanged(Payload):
    """The full state of a dossier: a reader needs only the latest version."""

    event_type: ClassVar[str] = "fr.aiguillage.dossier.etat.v1"

    dossier_id: Identifier
    version: Version
    closed: bool
    table_version: Identifier
    parties: PartiesV1
    pieces: tuple[PieceStateV1, ...]
    awaited: AwaitedV1 | None = None
    prevailing: PrevailingV1 | None = None
    trail: Identifier | None = None
    """Hash of the last entry of the audit trail, which covers all entries before it."""
    payment_not_reported: bool = False
    """The service financier does not report its payments: see `is_visible_to`."""
    mandant: Identifier | None = None
    """Structure for which the MOA acts under a mandate; absent when it acts for itself."""
    at: Moment
