"""The world around routing: deposits that arrive, topics that are read back, callers over HTTP."""

import asyncio
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from hashlib import sha256
from typing import Any, Self

import httpx
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from pydantic import TypeAdapter
from pymongo import MongoClient

from deploy.local.platform import Addresses
from shared.circuit.loader import CURRENT
from shared.circuit.parties import write_moa_booleans
from shared.contracts import topics
from shared.contracts.common_v1 import ActorV1, AmountsV1, FileV1, PartiesV1, PartyV1
from shared.contracts.deposit_v1 import PieceCompleted, PieceContested, PieceDeposited
from shared.contracts.envelope import Event, Payload, encode
from shared.contracts.organisation_v1 import (
    MandateChanged,
    ParametersV1,
    ServiceV1,
    StructureChanged,
)
from shared.contracts.routing_v1 import (
    DelayElapsed,
    DelayReminded,
    DossierChanged,
    PieceForwarded,
    StatusChanged,
)
from shared.runtime.clock import build_clock
from shared.runtime.ids import new_id
from shared.vocabulary.codes import Syntax
from shared.vocabulary.dates import find_paris_day
from shared.vocabulary.roles import Role
from shared.vocabulary.structures import (
    IdentifierType,
    MoaParameter,
    StructureKind,
    StructureStatus,
)
from tests.kit.access import get_access
from tests.kit.waiting import scale_timeout

_LIMIT_S = 30.0
_PAUSE_S = 0.02
_HEARD = (topics.STATUT, topics.DOSSIER, topics.ECHEANCE, *topics.ACTEUR.values())
_READERS: dict[str, TypeAdapter[Event[Any]]] = {
    payload.event_type: TypeAdapter(Event[payload])  # type: ignore[valid-type]
    for payload in (StatusChanged, DossierChanged, DelayElapsed, DelayReminded, PieceForwarded)
}
_now = build_clock()


async def wait_until(condition: Callable[[], object], what: str) -> Any:  # noqa: ANN401
    """Wait for something that comes by itself, and give it."""
    deadline = time.monotonic() + scale_timeout(_LIMIT_S)
    while not (found := await _value(condition())):
        if time.monotonic() > deadline:
            raise AssertionError(f"never came: {what}")
        await asyncio.sleep(_PAUSE_S)
    return found


async def _value(found: object) -> object:
    return await found if isinstance(found, Awaitable) else found


@dataclass(slots=True)
class Told:
    """What routing has told, as read back from the broker, by dossier and topic."""

    events: dict[tuple[str, str], list[Event[Any]]] = field(
        default_factory=lambda: defaultdict(list)
    )

    keys: dict[tuple[str, str], set[str]] = field(default_factory=lambda: defaultdict(set))
    """Those of its records."""

    def on(self, topic: topics.Topic, dossier_id: str) -> list[Event[Any]]:
        """List the events of a dossier on a topic, in the order of the broker."""
        return self.events[topic.name, dossier_id]

    def statuses(self, dossier_id: str) -> list[tuple[str, str]]:
        """List (cadre, status) of a dossier, in order."""
        told = self.on(topics.STATUT, dossier_id)
        return [(event.data.cadre, event.data.status.value) for event in told]


@dataclass(slots=True)
class Deposits:
    """The deposits of one dossier, as the service deposit would tell them."""

    world: "World"
    parties: dict[Role, str]
    id: str = field(default_factory=new_id)
    rank: int = 0
    pieces: dict[str, str] = field(default_factory=dict)
    """The latest piece id, by cadre."""

    async def deposit(
        self, cadre: str, by: Role, follows: str | None = None, **changes: object
    ) -> str:
        """Tell the deposit of a piece after the latest one of the cadre `follows`."""
        piece_id = new_id()
        payload = self.payload(piece_id, cadre, by, follows, **changes)
        self.pieces[cadre] = piece_id
        await self.tell(payload)
        return piece_id

    def payload(
        self,
        piece_id: str,
        cadre: str,
        by: Role,
        follows: str | None,
        **changes: object,
    ) -> PieceDeposited:
        """Build a deposit."""
        fields: dict[str, Any] = {
            "piece_id": piece_id,
            "dossier_id": self.id,
            "cadre": cadre,
            "number": f"{cadre}-{piece_id[-6:]}",
            "issued_on": date(2026, 11, 2),
            "currency": "EUR",
            "amounts": amounts("1200.00"),
            "depositor_role": by,
            "depositor": PartyV1(structure=self.parties[by]),
            "parties": PartiesV1(
                **{role.value: PartyV1(structure=name) for role, name in self.parties.items()}
            ),
            "follows": self.pieces[follows] if follows else None,
            "type_code": "380",
            "syntax": Syntax.UBL,
            "file": file_of(piece_id),
            "certificate_sha256": sha256(b"certificate").hexdigest(),
            "table_version": CURRENT,
            "directory": {},
            "deposited_at": _now(),
        }
        fields.update(changes)
        return PieceDeposited(**fields)

    async def complete(self, cadre: str, by: Role) -> None:
        """Tell the completion of a suspended piece."""
        await self.tell(
            PieceCompleted(
                piece_id=self.pieces[cadre],
                dossier_id=self.id,
                by=ActorV1(role=by, structure=self.parties[by]),
                attachments=(file_of("the missing page"),),
                completed_at=_now(),
            )
        )

    async def contest(self, cadre: str, by: Role, comment: str) -> None:
        """Tell that a piece is contested, with a file."""
        await self.tell(
            PieceContested(
                piece_id=self.pieces[cadre],
                dossier_id=self.id,
                by=ActorV1(role=by, structure=self.parties[by]),
                attachments=(file_of("the reasons"),),
                comment=comment,
                contested_at=_now(),
            )
        )

    async def tell(self, payload: Payload) -> bytes:
        """Send the next message of this dossier."""
        self.rank += 1
        told = event(payload, self.id, dossier_id=self.id, sequence=self.rank)
        # As deposit does: a piece of the circuit that knows mandates is of its level.
        is_newer = isinstance(payload, PieceDeposited) and payload.table_version == "2026-3"
        value = encode(told.model_copy(update={"level": 2}) if is_newer else told)
        await self.world.send(topics.PIECE_DEPOSEE, self.id, value)
        return value


@dataclass(slots=True)
class World:
    """All that a test does from outside."""

    addresses: Addresses
    told: Told = field(default_factory=Told)
    db: Any = None
    """Routing's own database, for looking and for doing harm."""
    _stack: AsyncExitStack = field(default_factory=AsyncExitStack)
    _producer: Any = None
    _http: Any = None
    _versions: dict[str, int] = field(default_factory=lambda: defaultdict(int))

    async def __aenter__(self) -> Self:
        """Connect."""
        client: MongoClient[dict[str, Any]] = self._stack.enter_context(
            MongoClient(self.addresses.mongo, tz_aware=True)
        )
        self.db = client["routing"]
        self._producer = AIOKafkaProducer(
            bootstrap_servers=self.addresses.kafka, enable_idempotence=False
        )
        await self._producer.start()
        self._stack.push_async_callback(self._producer.stop)
        self._http = await self._stack.enter_async_context(
            httpx.AsyncClient(
                base_url=self.addresses.services["routing"], timeout=scale_timeout(20)
            )
        )
        consumer = AIOKafkaConsumer(
            bootstrap_servers=self.addresses.kafka, auto_offset_reset="earliest"
        )
        await consumer.start()
        self._stack.push_async_callback(consumer.stop)
        consumer.assign(
            [TopicPartition(t.name, part) for t in _HEARD for part in range(t.partitions)]
        )
        listening = asyncio.create_task(self._listen(consumer))
        self._stack.callback(listening.cancel)
        return self

    async def __aexit__(self, *_: object) -> None:
        """Disconnect."""
        await self._stack.aclose()

    async def structure(
        self, moa: MoaParameter = MoaParameter.AVEC, name: str = "", **more: bool
    ) -> str:
        """Tell the state of a structure, new or changed, and wait until routing has it."""
        name = name or f"S-{new_id()}"
        self._versions[name] += 1
        est_moa, est_moa_uniquement = write_moa_booleans(moa)
        parameters = {"est_moa": est_moa, "est_moa_uniquement": est_moa_uniquement, **more}
        state = StructureChanged(
            structure=name,
            version=self._versions[name],
            identifier_type=IdentifierType.AUTRE,
            identifier=name,
            name=f"Structure {name}",
            kind=StructureKind.PUBLIQUE,
            status=StructureStatus.ACTIF,
            parameters=ParametersV1(**parameters),
            services=(ServiceV1(code="TRAVAUX", name="Travaux"),),
            at=_now(),
        )
        await self.send(topics.STRUCTURE, name, encode(event(state, name)))
        version = self._versions[name]
        await wait_until(
            lambda: self.db["structures"].find_one({"_id": name, "version": version}),
            f"structure {name} in version {version}",
        )
        return name

    async def mandate(
        self,
        mandant: str,
        delegate: str,
        *,
        name: str = "",
        begins: int = 0,
        **more: Any,  # noqa: ANN401 - fields of the event
    ) -> tuple[str, int]:
        """Tell a mandate of a month, new or changed, and wait until routing has it."""
        name = name or new_id()
        self._versions[name] += 1
        version, today = self._versions[name], find_paris_day(_now())
        state = MandateChanged(
            mandate=name,
            version=version,
            mandant=mandant,
            delegate=delegate,
            payer=mandant,
            valid_from=today + timedelta(days=begins),
            valid_until=today + timedelta(days=30),
            at=_now(),
            **more,
        )
        await self.send(topics.MANDAT, name, encode(event(state, name)))
        await wait_until(
            lambda: self.db["mandates"].find_one({"_id": name, "version": version}),
            f"mandate {name} in version {version}",
        )
        return name, version

    async def dossier(self, *also: Role, moa_acts: bool = True, **parties: str) -> Deposits:
        """Prepare a dossier among new structures, or those named, in the usual roles and `also`."""
        named = {Role(role): name for role, name in parties.items()}
        usual = [Role.TITULAIRE, Role.MOE, *[Role.MOA] * moa_acts, Role.SERVICE_FINANCIER]
        for role in (*usual, *also):
            if role not in named:
                named[role] = await self.structure()
        return Deposits(self, named)

    async def send(self, topic: topics.Topic, key: str, value: bytes) -> None:
        """Send bytes and wait until the broker has them."""
        await self._producer.send_and_wait(topic.name, value, key=key.encode())

    async def get(
        self, path: str, structure: str, role: Role, **query: str | int
    ) -> httpx.Response:
        """Ask for something."""
        answer: httpx.Response = await self._http.get(
            path, headers=_caller(structure, role), params=query
        )
        return answer

    async def treat(
        self,
        dossier: Deposits,
        cadre: str,
        role: Role,
        *,
        key: str = "",
        **body: Any,  # noqa: ANN401 - JSON
    ) -> httpx.Response:
        """Treat the latest piece of a cadre."""
        answer: httpx.Response = await self._http.post(
            f"/pieces/{dossier.pieces[cadre]}/treatments",
            headers=_caller(dossier.parties[role], role)
            | ({"Idempotency-Key": key} if key else {}),
            json=body,
        )
        return answer

    async def figure(self, name: str) -> float:
        """Read a figure of the service, by its name and labels."""
        lines = (await self._http.get(self._http.base_url.join("/metrics"))).text.splitlines()
        return next((float(line.split()[-1]) for line in lines if line.startswith(name)), 0)

    async def until_status(self, dossier: Deposits, cadre: str, status: str) -> None:
        """Wait until a status of the latest piece of a cadre is told."""
        piece_id = dossier.pieces[cadre]
        await wait_until(
            lambda: any(
                told.data.piece_id == piece_id and told.data.status == status
                for told in self.told.on(topics.STATUT, dossier.id)
            ),
            f"{cadre} {status}",
        )

    async def _listen(self, consumer: Any) -> None:  # noqa: ANN401
        async for record in consumer:
            kind = TypeAdapter(dict[str, Any]).validate_json(record.value)["type"]
            told = _READERS[kind].validate_json(record.value)
            stream = (record.topic, told.dossierid or "")
            self.told.events[stream].append(told)
            self.told.keys[stream].add(record.key.decode())


def event(
    payload: Payload, subject: str, dossier_id: str | None = None, sequence: int | None = None
) -> Event[Any]:
    """Wrap a payload as another service would."""
    return Event(
        id=new_id(),
        source="/tests",
        type=payload.event_type,
        time=_now(),
        subject=subject,
        dossierid=dossier_id,
        sequence=sequence,
        correlationid=f"journey-{subject}",
        data=payload,
    )


def amounts(ttc: str) -> AmountsV1:
    """Build totals with a rate of 20 %."""
    whole = Decimal(ttc)
    ht = (whole / Decimal("1.2")).quantize(Decimal("0.01"))
    return AmountsV1(ht=ht, tva=whole - ht, ttc=whole, due=whole)


def file_of(content: str) -> FileV1:
    """Name a file."""
    return FileV1(
        sha256=sha256(content.encode()).hexdigest(),
        size_bytes=len(content),
        name="piece.xml",
        media_type="application/xml",
    )


def _caller(structure: str, role: Role) -> dict[str, str]:
    return get_access().headers(structure, role)
