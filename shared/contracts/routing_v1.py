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
    """The amounts that hold in a dossier, and the piece that states them."""

    piece_id: Identifier
    cadre: Identifier
    number: Identifier
    currency: Identifier
    amounts: AmountsV1
    type_code: Identifier | None = None
    """BT-3 of that piece: the amounts of a credit note (381) are to be taken away."""
    is_settled: bool
    """They can change no more."""

    def to_domain(self) -> Prevailing:
        """Convert to the domain."""
        return Prevailing(self.piece_id, self.amounts.to_domain(), self.is_settled)


class DifferenceV1(Part):
    """A total that a piece states otherwise than another one."""

    field: Identifier
    """`ht`, `tva`, `ttc` or `due`."""
    other: Montant
    """As the other piece states it."""
    stated: Montant
    """As this piece does."""
    difference: Difference
    """What this piece adds; negative for what it takes away."""

    @classmethod
    def of(cls, change: Change) -> Self:
        """Build from the domain."""
        return cls(
            field=change.field,
            other=change.previous,
            stated=change.now,
            difference=change.difference,
        )


class PieceForwarded(Payload):
    """A piece is put before an actor, to act on or to know of."""

    event_type: ClassVar[str] = "fr.aiguillage.piece.acheminee.v1"

    piece_id: Identifier
    dossier_id: Identifier
    cadre: Identifier
    number: Identifier
    issued_on: IsoDate
    currency: Identifier
    amounts: AmountsV1
    """As the piece states them; what holds in the dossier, and is to be paid, is `prevailing`."""
    type_code: Identifier | None = None
    """BT-3, UNTDID 1001: the amounts of a credit note (381) are to be taken away."""
    prevailing: PrevailingV1 | None = None
    differences: tuple[DifferenceV1, ...] = ()
    """Where the piece states something else than what prevails."""
    changes: tuple[DifferenceV1, ...] = ()
    """Where the piece states something else than the one that it follows."""
    sender: ActorV1
    role: Role
    recipient: PartyV1
    application: Application
    purpose: Purpose
    next_cadres: tuple[Identifier, ...] = ()
    """Cadres that the recipient may deposit next."""
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
    """Absent for a deposit. The same as `status` when something came too late: nothing changed,
    and `motive` is the code of the rule that says so."""
    by: ActorV1 | None = None
    """Who acted; absent when the platform did."""
    motive: Identifier | None = None
    comment: str | None = None
    parties: PartiesV1
    depositor: ActorV1
    payment_not_reported: bool = False
    """The service financier does not report its payments: see `visible_to`."""
    at: Moment


class TurnV1(Part):
    """Somebody else who may act in place of the one awaited."""

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
    """Code of the rule that keeps the piece from its recipient, while it does."""
    due: Moment | None = None
    """When the delay of the one awaited ends; absent when none runs."""
    others: tuple[TurnV1, ...] = ()
    """Who else may act: the first of all those awaited to do so decides."""

    @property
    def turns(self) -> tuple[TurnV1, ...]:
        """Everybody who may act, the one awaited first."""
        first = TurnV1(
            role=self.role,
            structure=self.structure,
            service=self.service,
            cadres=self.cadres,
            acts=self.acts,
        )
        return (first, *self.others)


class PieceStateV1(Part):
    """Where one piece of a dossier stands."""

    piece_id: Identifier
    cadre: Identifier
    number: Identifier
    status: Status
    depositor: ActorV1
    status_at: Moment | None = None
    reported: Status | None = None
    """What the status is to those from whom the payment is hidden: see `visible_to`."""
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

    @property
    def status_before_payment(self) -> Status:
        """The status for those from whom a payment is hidden (see `visible_to`).

        States told before `reported` was part of them have a default.
        """
        is_paid = self.status is Status.MISE_EN_PAIEMENT
        return self.reported or (Status.MISE_A_DISPOSITION if is_paid else self.status)


class DelayElapsed(Payload):
    """The one awaited has let its delay pass; what follows from it is in the dossier's state."""

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


class DossierChanged(Payload):
    """The state of a dossier, whole: the latest version is all a reader needs."""

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
    """Hash of the last entry of the audit trail, which vouches for all those before it."""
    payment_not_reported: bool = False
    """The service financier does not report its payments: see `visible_to`."""
    at: Moment
