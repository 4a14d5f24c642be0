"""Registry of topics: names, keys, retention, size limits. Names are written only here."""

from dataclasses import dataclass
from enum import StrEnum

from shared.contracts.deposit_v1 import PieceCompleted, PieceContested, PieceDeposited
from shared.contracts.envelope import Payload
from shared.contracts.organisation_v1 import (
    MandateChanged,
    PrincipalChanged,
    SheetChanged,
    StructureChanged,
)
from shared.contracts.routing_v1 import (
    DelayElapsed,
    DelayReminded,
    DossierChanged,
    PieceForwarded,
    StatusChanged,
)
from shared.contracts.support_v1 import (
    ActivationLinkRequested,
    TicketChanged,
    TicketSubmitted,
    TicketTransferred,
)
from shared.vocabulary.roles import Role
from shared.vocabulary.sizes import MEGABYTE
from shared.vocabulary.tickets import Desk

_DAY_MS = 24 * 3600 * 1000

TOPIC_MAX_BYTES = 1_048_588
"""`max.message.bytes` of a topic: limit of the broker for a batch, unpacked."""
RECORD_MAX_BYTES = 1_000_000
"""Size limit of our records, key and headers included: below the limit of their topic."""
DEAD_LETTERS_MAX_BYTES = 2 * MEGABYTE
"""`max.message.bytes` of a dead-letter topic: the largest message of a topic must fit."""
DEAD_LETTER_MAX_BYTES = DEAD_LETTERS_MAX_BYTES - 64 * 1024
"""Size limit of a dead letter, with its reason."""
PARTITIONS = 12
"""Partitions of each topic: the limit of the replicas of a service that share its work.

Never to be raised: keys would move, their order would be lost, and on a compacted topic an old
state would stay for ever in the partition that its key has left. Hence even topics with few changes
have twelve. Dead-letter topics have one.
"""


class Key(StrEnum):
    """Key of a topic's records, which decides their order."""

    DOSSIER = "dossier"
    RECIPIENT = "recipient structure"
    ENTITY = "entity"


@dataclass(frozen=True, slots=True)
class Topic:
    """Topic: one stream of events, owned by one service.

    A change of key or of the number of partitions is a new major version.
    """

    name: str
    owner: str
    about: str
    key: Key
    payloads: tuple[type[Payload], ...]
    consumers: tuple[str, ...]
    partitions: int = PARTITIONS
    retention_days: int | None = 30
    """None for a compacted topic: the latest record of each key is kept for ever."""

    @property
    def is_compacted(self) -> bool:
        """Whether the topic is compacted, so that all states can be rebuilt from it."""
        return self.retention_days is None

    @property
    def retention_ms(self) -> int | None:
        """Retention in milliseconds, None when compacted."""
        return None if self.retention_days is None else self.retention_days * _DAY_MS

    @property
    def dead_letters(self) -> str:
        """Name of the dead-letter topic of this topic."""
        return f"{self.name}.dlq"


PIECE_DEPOSEE = Topic(
    name="travaux.piece.deposee.v1",
    owner="deposit",
    about="Pieces as deposited, what completes a suspended one, and what contests one.",
    key=Key.DOSSIER,
    payloads=(PieceDeposited, PieceCompleted, PieceContested),
    consumers=("routing",),
)
ACTEUR = {
    role: Topic(
        name=f"travaux.acteur.{role}.v1",
        owner="routing",
        about=f"Pieces forwarded to a {role}.",
        key=Key.RECIPIENT,
        payloads=(PieceForwarded,),
        consumers=("EDI partners",),
    )
    for role in Role
}
STATUT = Topic(
    name="travaux.statut.v1",
    owner="routing",
    about="Every status of every piece.",
    key=Key.DOSSIER,
    payloads=(StatusChanged,),
    consumers=("notification",),
)
ECHEANCE = Topic(
    name="travaux.echeance.v1",
    owner="routing",
    about="Delays that end soon, and delays that have passed.",
    key=Key.DOSSIER,
    payloads=(DelayElapsed, DelayReminded),
    consumers=("EDI partners",),
)
DOSSIER = Topic(
    name="travaux.dossier.v1",
    owner="routing",
    about="The state of each dossier.",
    key=Key.DOSSIER,
    payloads=(DossierChanged,),
    consumers=("deposit", "portal"),
    retention_days=None,
)
STRUCTURE = Topic(
    name="organisation.structure.v1",
    owner="organisation",
    about="The state of each structure.",
    key=Key.ENTITY,
    payloads=(StructureChanged,),
    consumers=("deposit", "routing", "notification", "portal", "support"),
    retention_days=None,
)
HABILITATION = Topic(
    name="organisation.habilitation.v1",
    owner="organisation",
    about="What each person and each program may do, without a name.",
    key=Key.ENTITY,
    payloads=(PrincipalChanged,),
    consumers=("deposit", "routing", "notification", "organisation", "portal", "support"),
    retention_days=None,
)
MANDAT = Topic(
    name="organisation.mandat.v1",
    owner="organisation",
    about="The state of each mandate of a maîtrise d'ouvrage déléguée.",
    key=Key.ENTITY,
    payloads=(MandateChanged,),
    consumers=("deposit", "routing"),
    retention_days=None,
)
MARCHE = Topic(
    name="organisation.marche.v1",
    owner="organisation",
    about="The sheet of each marché that has one.",
    key=Key.ENTITY,
    payloads=(SheetChanged,),
    consumers=("deposit",),
    retention_days=None,
)
TICKET = {
    desk: Topic(
        name=f"support.ticket.{desk}.v1",
        owner="support",
        about=about,
        key=Key.ENTITY,
        payloads=(TicketSubmitted, TicketTransferred, TicketChanged),
        consumers=(consumer,),
    )
    for desk, about, consumer in (
        (Desk.METIER, "Tickets of the desks of structures.", "tools of structures"),
        (Desk.TECHNIQUE, "Tickets of the platform's own desk.", "tools of the platform's desk"),
    )
}
ACTIVATION = Topic(
    name="support.activation.v1",
    owner="support",
    about="Requests for a new activation link.",
    key=Key.ENTITY,
    payloads=(ActivationLinkRequested,),
    consumers=("organisation",),
)

TOPICS: tuple[Topic, ...] = (
    PIECE_DEPOSEE,
    *ACTEUR.values(),
    STATUT,
    ECHEANCE,
    DOSSIER,
    STRUCTURE,
    HABILITATION,
    MANDAT,
    MARCHE,
    *TICKET.values(),
    ACTIVATION,
)
