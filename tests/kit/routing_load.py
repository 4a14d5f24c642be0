"""Load for routing: the deposits of dossiers that travel A4, A15, A19, as records to send."""

from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from hashlib import sha256

from aiokafka import AIOKafkaProducer

from shared.contracts import topics
from shared.contracts.common_v1 import AmountsV1, FileV1, PartiesV1, PartyV1
from shared.contracts.deposit_v1 import PieceDeposited
from shared.contracts.envelope import Event, Payload, encode
from shared.contracts.organisation_v1 import ParametersV1, StructureChanged
from shared.runtime.ids import new_id
from shared.vocabulary.codes import ModePaiement, Syntax, TypeTva
from shared.vocabulary.roles import Role
from shared.vocabulary.structures import IdentifierType, StructureKind, StructureStatus

STRUCTURES = 40
PIECES = ("A4", "A15", "A19")
_DEPOSITORS = (Role.TITULAIRE, Role.MOE, Role.MOA)
_AT = datetime(2026, 11, 24, 9, tzinfo=UTC)

Record = tuple[str, bytes]
"""Key and value."""


def build_structures() -> Iterator[Record]:
    """Build the records of the structures: a quarter of them plays each role."""
    for rank in range(STRUCTURES):
        state = StructureChanged(
            structure=_format_structure(rank),
            version=1,
            identifier_type=IdentifierType.SIRET,
            identifier=_format_structure(rank),
            name=f"Structure {rank}",
            kind=StructureKind.PUBLIQUE,
            status=StructureStatus.ACTIF,
            parameters=ParametersV1(est_moa=True),
            at=_AT,
        )
        yield _format_structure(rank), _encode(state, _format_structure(rank))


def build_deposits(dossiers: int) -> list[Record]:
    """Build the deposits of each dossier: all first pieces, then all second, all third ones."""
    ids = [[new_id() for _ in (None, *PIECES)] for _ in range(dossiers)]
    return [
        _build_deposit(names, rank, step)
        for step in range(len(PIECES))
        for rank, names in enumerate(ids)
    ]


async def send(kafka: str, topic: topics.Topic, records: list[Record]) -> None:
    """Send records, and wait until the broker has acknowledged them all."""
    producer = AIOKafkaProducer(
        bootstrap_servers=kafka, enable_idempotence=False, max_batch_size=256 * 1024
    )
    await producer.start()
    for key, value in records:
        await producer.send(topic.name, value, key=key.encode())
    await producer.flush()
    await producer.stop()


def _build_deposit(names: list[str], rank: int, step: int) -> Record:
    dossier_id, *pieces = names
    parties = PartiesV1(
        titulaire=_build_party(rank, 0),
        moe=_build_party(rank, 1),
        moa=_build_party(rank, 2),
        service_financier=_build_party(rank, 3),
    )
    payload = PieceDeposited(
        piece_id=pieces[step],
        dossier_id=dossier_id,
        cadre=PIECES[step],
        number=f"2026-11-{rank:06d}-{step}",
        issued_on=date(2026, 11, 2),
        currency="EUR",
        amounts=AmountsV1(
            ht=Decimal("1000.00"),
            tva=Decimal("200.00"),
            ttc=Decimal("1200.00"),
            due=Decimal("1200.00"),
        ),
        depositor_role=_DEPOSITORS[step],
        depositor=_build_party(rank, step),
        parties=parties,
        follows=pieces[step - 1] if step else None,
        engagement="ENG-2026-000123",
        marche="2026-TRX-0042",
        type_tva=TypeTva.TVA_SUR_DEBIT,
        mode_paiement=ModePaiement.VIREMENT,
        type_code="380",
        syntax=Syntax.UBL,
        file=_build_file(pieces[step], "projet-de-decompte.xml"),
        attachments=(_build_file(pieces[step] + "/1", "attachement.pdf"),),
        certificate_sha256=sha256(b"certificate").hexdigest(),
        table_version="2026-1",
        directory={_build_party(rank, role).structure: 1 for role in range(4)},
        deposited_at=_AT,
    )
    return dossier_id, _encode(payload, pieces[step], dossier_id, step + 1)


def _encode(
    payload: Payload, subject: str, dossier_id: str | None = None, sequence: int | None = None
) -> bytes:
    event: Event[Payload] = Event(
        id=new_id(),
        source="/bench",
        type=payload.event_type,
        time=datetime.now(UTC),  # noqa: TID251 - the inbox refuses what is older than it remembers
        subject=subject,
        dossierid=dossier_id,
        sequence=sequence,
        correlationid=dossier_id or subject,
        data=payload.model_copy(),
    )
    return encode(event)


def _format_structure(rank: int) -> str:
    return f"{rank:014d}"


def _build_party(rank: int, role: int) -> PartyV1:
    return PartyV1(structure=_format_structure((rank % (STRUCTURES // 4)) * 4 + role))


def _build_file(content: str, name: str) -> FileV1:
    digest = sha256(content.encode()).hexdigest()
    return FileV1(sha256=digest, size_bytes=24_000, name=name, media_type="application/xml")
