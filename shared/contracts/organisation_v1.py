"""Events of `services/organisation`: the whole state of a structure or a principal."""

from typing import ClassVar

from pydantic import Field

from shared.circuit.mandates import Mandate
from shared.circuit.parties import Service, Structure, read_moa_parameter
from shared.circuit.sheets import Sheet, SheetActor, SheetField, SheetRole
from shared.contracts.common_v1 import Part
from shared.contracts.envelope import Payload
from shared.contracts.fields import DelayDays, Identifier, IsoDate, Moment, Sha256, Version
from shared.rights.model import (
    Attachment,
    Habilitation,
    Level,
    ManagerRole,
    PlatformRole,
    Principal,
    PrincipalKind,
)
from shared.vocabulary.structures import IdentifierType, Pipe, StructureKind, StructureStatus
from shared.vocabulary.texts import make_one_line, normalise_nfc


class ParametersV1(Part):
    """The parameters of a public structure; the MOA parameter is two booleans, as on the portal."""

    est_moa: bool = False
    est_moa_uniquement: bool = False
    code_service_obligatoire: bool = False
    numero_engagement_obligatoire: bool = False
    engagement_ou_service: bool = False
    """Either is enough; overrides the two above."""
    mise_en_paiement_non_remontee: bool = False
    recoit_via_edi: bool = False
    """Whether one of its pipes is open."""


class AddressV1(Part):
    """The postal address of a structure."""

    street: str = ""
    complement: str = ""
    postal_code: str = ""
    city: str
    country: str = "FR"
    """ISO 3166-1, two letters."""


class ServiceV1(Part):
    """A service of a structure; it takes no deposit on a day outside its validity."""

    code: Identifier
    name: str
    active: bool = True
    """Not closed; on a given day its validity counts too."""
    engagement_obligatoire: bool = False
    valid_from: IsoDate | None = None
    valid_until: IsoDate | None = None
    """First and last day of its validity, in Paris; absent, that end is open."""


class StructureChanged(Payload):
    """The full state of a structure, but for its e-mail: what a topic holds is not erased."""

    event_type: ClassVar[str] = "fr.aiguillage.structure.etat.v1"
    entity: ClassVar[str | None] = "structure"

    structure: Identifier
    version: Version
    identifier_type: IdentifierType
    identifier: Identifier
    name: str
    kind: StructureKind
    status: StructureStatus
    parameters: ParametersV1
    services: tuple[ServiceV1, ...] = ()
    at: Moment
    address: AddressV1 | None = None
    pipes: tuple[Pipe, ...] | None = None
    """Pipes of data exchange that are open. Events of before them have none."""

    def to_domain(self) -> Structure:
        """Convert to the domain.

        Raises ValueError for a MOA parameter whose two booleans contradict each other.
        """
        parameters = self.parameters
        return Structure(
            id=self.structure,
            kind=self.kind,
            status=self.status,
            moa=read_moa_parameter(
                est_moa=parameters.est_moa, est_moa_uniquement=parameters.est_moa_uniquement
            ),
            version=self.version,
            code_service_obligatoire=parameters.code_service_obligatoire,
            numero_engagement_obligatoire=parameters.numero_engagement_obligatoire,
            engagement_ou_service=parameters.engagement_ou_service,
            mise_en_paiement_non_remontee=parameters.mise_en_paiement_non_remontee,
            services={
                normalise_nfc(service.code): Service(
                    service.active,
                    service.engagement_obligatoire,
                    service.valid_from,
                    service.valid_until,
                )
                for service in self.services
            },
            name=make_one_line(self.name),
        )


class HabilitationV1(Part):
    """Right on an application at a structure; with a service, for its pieces alone."""

    application: Identifier
    level: Level
    service: Identifier | None = None


class AttachmentV1(Part):
    """Active attachment to a structure."""

    structure: Identifier
    manager: ManagerRole | None = None
    habilitations: tuple[HabilitationV1, ...] = ()


class PrincipalChanged(Payload):
    """The full state of what a person or a program may do; no name and no e-mail."""

    event_type: ClassVar[str] = "fr.aiguillage.habilitation.etat.v1"
    entity: ClassVar[str | None] = "principal"

    principal: Identifier
    version: Version
    identity: Sha256
    """SHA-256 of `user:` and the e-mail, or of `machine:` and the client id."""
    kind: PrincipalKind
    active: bool = True
    attachments: tuple[AttachmentV1, ...] = ()
    platform_roles: tuple[PlatformRole, ...] = ()
    at: Moment

    def to_domain(self) -> Principal:
        """Convert to the domain."""
        return Principal(
            id=self.principal,
            identity=self.identity,
            kind=self.kind,
            version=self.version,
            active=self.active,
            attachments={
                normalise_nfc(each.structure): Attachment(
                    structure=normalise_nfc(each.structure),
                    manager=each.manager,
                    habilitations=tuple(
                        Habilitation(right.application, right.level, right.service)
                        for right in each.habilitations
                    ),
                )
                for each in self.attachments
            },
            platform_roles=frozenset(self.platform_roles),
        )


class MandateChanged(Payload):
    """The full state of a mandate of a maîtrise d'ouvrage déléguée."""

    event_type: ClassVar[str] = "fr.aiguillage.mandat.etat.v1"
    entity: ClassVar[str | None] = "mandate"

    mandate: Identifier
    version: Version
    mandant: Identifier
    """Structure that gives the mandate: the MOA."""
    delegate: Identifier
    """Structure that acts as MOA in its place."""
    payer: Identifier
    """Structure whose service financier pays the delegate back: often the mandant."""
    valid_from: IsoDate
    valid_until: IsoDate
    """First and last day of the mandate, in Paris, both included."""
    contracts: tuple[Identifier, ...] | None = None
    """Numbers of the marchés that it covers; absent, it covers all those of the mandant."""
    closed_on: IsoDate | None = None
    """Day on which it was closed before its end: it allows nothing any more."""
    at: Moment

    def to_domain(self) -> Mandate:
        """Convert to the domain."""
        return Mandate(
            id=self.mandate,
            version=self.version,
            mandant=normalise_nfc(self.mandant),
            delegate=normalise_nfc(self.delegate),
            payer=normalise_nfc(self.payer),
            valid_from=self.valid_from,
            valid_until=self.valid_until,
            contracts=None
            if self.contracts is None
            else frozenset(map(normalise_nfc, self.contracts)),
            closed_on=self.closed_on,
        )


class SheetActorV1(Part):
    """An actor of a marché, with its validity; with a lot, for that lot alone."""

    role: SheetRole
    structure: Identifier
    service: Identifier | None = None
    lot: Identifier | None = None
    valid_from: IsoDate | None = None
    valid_until: IsoDate | None = None
    """First and last day of its validity, in Paris; absent, that end is open."""


class LotV1(Part):
    """A lot of a marché."""

    code: Identifier
    title: str


class SheetChanged(Payload):
    """The full state of the sheet of a marché, *fiche d'identité du marché*."""

    event_type: ClassVar[str] = "fr.aiguillage.marche.etat.v1"
    entity: ClassVar[str | None] = "sheet"

    sheet: Identifier
    version: Version
    moa: Identifier
    """Structure whose marché it is: the MOA, or the mandant of a mandate."""
    number: Identifier
    """Number of the marché, unique for its MOA."""
    title: str
    actors: tuple[SheetActorV1, ...] = ()
    lots: tuple[LotV1, ...] = ()
    delays: DelayDays = Field(default_factory=dict)
    """Days of the delays from which the clauses of the marché derogate, by name of the delay."""
    required: tuple[SheetField, ...] = ()
    """Fields that every deposit of the marché must give."""
    active: bool = True
    """Whether the sheet is in use: one that is withdrawn checks nothing."""
    at: Moment

    def to_domain(self) -> Sheet:
        """Convert to the domain."""
        return Sheet(
            id=self.sheet,
            version=self.version,
            moa=normalise_nfc(self.moa),
            number=normalise_nfc(self.number),
            title=self.title,
            actors=tuple(
                SheetActor(
                    role=actor.role,
                    structure=normalise_nfc(actor.structure),
                    service=actor.service and normalise_nfc(actor.service),
                    lot=actor.lot and normalise_nfc(actor.lot),
                    valid_from=actor.valid_from,
                    valid_until=actor.valid_until,
                )
                for actor in self.actors
            ),
            lots={normalise_nfc(lot.code): lot.title for lot in self.lots},
            delays=dict(self.delays),
            required=self.required,
            active=self.active,
        )
