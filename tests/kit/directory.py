"""Publishes structures in the place of service organisation."""

from collections.abc import Sequence
from typing import Any

from aiokafka import AIOKafkaProducer
from pymongo import MongoClient

from deploy.local import Addresses
from shared.contracts.envelope import Event, encode
from shared.contracts.organisation_v1 import ParametersV1, ServiceV1, StructureChanged
from shared.contracts.topics import STRUCTURE
from shared.runtime.clock import build_clock
from shared.runtime.ids import new_id
from shared.vocabulary.structures import IdentifierType, StructureKind, StructureStatus
from tests.kit.waiting import wait_until


async def publish_structure(
    addresses: Addresses,
    reader: str,
    structure: str,
    *,
    version: int = 1,
    status: StructureStatus = StructureStatus.ACTIF,
    services: Sequence[str] = ("TRAVAUX",),
) -> None:
    """Publish the state of a structure, and wait until the service `reader` knows it."""
    now = build_clock()()
    said = StructureChanged(
        structure=structure,
        version=version,
        identifier_type=IdentifierType.AUTRE,
        identifier=structure,
        name=f"Structure {structure}",
        kind=StructureKind.PUBLIQUE,
        status=status,
        parameters=ParametersV1(),
        services=tuple(ServiceV1(code=code, name=code) for code in services),
        at=now,
    )
    event: Event[StructureChanged] = Event(
        id=new_id(),
        source="/services/organisation",
        type=StructureChanged.event_type,
        time=now,
        subject=structure,
        correlationid=new_id(),
        data=said,
    )
    async with AIOKafkaProducer(
        bootstrap_servers=addresses.kafka, enable_idempotence=False
    ) as producer:
        await producer.send_and_wait(STRUCTURE.name, encode(event), key=structure.encode())
    with MongoClient[dict[str, Any]](addresses.mongo) as client:
        wanted = {"_id": structure, "version": version}
        rows = client[reader]["structures"]
        await wait_until(lambda: rows.find_one(wanted), f"{reader} knows {structure}")
