"""The world around deposit: who deposits over HTTP, and what organisation and routing tell."""

import asyncio
import json
import time
from collections import defaultdict
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from itertools import count
from typing import Any, Self

import httpx
from aiokafka import AIOKafkaProducer
from pymongo import MongoClient

from deploy.local import Addresses, einvoices
from deploy.local.einvoices import Einvoice, Trader
from shared.circuit.parties import write_moa_booleans
from shared.contracts import topics
from shared.contracts.common_v1 import ActorV1, AmountsV1, PartiesV1, PartyV1
from shared.contracts.envelope import Event, Payload, encode
from shared.contracts.organisation_v1 import (
    MandateChanged,
    ParametersV1,
    ServiceV1,
    SheetChanged,
    StructureChanged,
)
from shared.contracts.routing_v1 import (
    AwaitedV1,
    DossierChanged,
    PieceStateV1,
    PrevailingV1,
    TurnV1,
)
from shared.runtime.clock import build_clock
from shared.runtime.ids import new_id
from shared.vocabulary.roles import Role
from shared.vocabulary.statuses import Status
from shared.vocabulary.structures import (
    IdentifierType,
    MoaParameter,
    StructureKind,
    StructureStatus,
)
from tests.kit.access import get_access
from tests.kit.einvoices import an_einvoice
from tests.kit.topics import read_until
from tests.kit.waiting import scale_timeout

TITULAIRE, MOE = "73282932000074", "35600000049837"
MOA, PAYER = "35600000000048", "55208131766522"
SOUS_TRAITANT = "44306184100047"
OTHER = "40483304800022"
BUYER = Trader("Ville de Vaubrun", PAYER)
PARTIES = {
    Role.TITULAIRE: TITULAIRE,
    Role.SOUS_TRAITANT: SOUS_TRAITANT,
    Role.MOE: MOE,
    Role.MOA: MOA,
    Role.SERVICE_FINANCIER: PAYER,
}
Answer = dict[str, Any]

_LIMIT_S = 30.0
_PAUSE_S = 0.02
_numbers = count(1)
_now = build_clock()


async def wait_until(condition: Callable[[], Any], what: str) -> Any:  # noqa: ANN401
    """Wait for something that comes by itself, and give it."""
    deadline = time.monotonic() + scale_timeout(_LIMIT_S)
    while not (found := condition()):
        if time.monotonic() > deadline:
            raise AssertionError(f"never came: {what}")
        await asyncio.sleep(_PAUSE_S)
    return found


def acting(role: Role, structure: str | None = None, **more: str) -> dict[str, str]:
    """Act for a party of the dossier."""
    return get_access().headers(structure or PARTIES[role], role, **more)


def an_opener(**fields: Any) -> Einvoice:  # noqa: ANN401 - the fields of an Einvoice
    """Write an A4 with a number of its own, bought by the service financier."""
    chosen = {"number": f"SIT-{next(_numbers)}", "buyer": BUYER, "service_code": None} | fields
    return an_einvoice(**chosen)


def beside(**changes: Any) -> Answer:  # noqa: ANN401 - JSON
    """Give what the file of an opener lacks."""
    parties = {"moe": {"structure": MOE}, "moa": {"structure": MOA}}
    return {"parties": parties, "type_tva": "TVA_SUR_DEBIT", **changes}


def stated(invoice: Einvoice) -> Answer:
    """Give as metadata what a plain PDF does not say."""
    return {
        "cadre": invoice.cadre,
        "number": invoice.number,
        "issued_on": invoice.issued_on.isoformat(),
        "currency": invoice.currency,
        "amounts": {name: str(getattr(invoice, name)) for name in ("ht", "tva", "ttc", "due")},
    }


def codes(answer: httpx.Response) -> list[tuple[str, str]]:
    """List the rules that an answer says are broken."""
    return [(each["code"], each["field"]) for each in answer.json()["violations"]]


@dataclass(slots=True)
class World:
    """All that a test does from outside."""

    addresses: Addresses
    db: Any = None
    """Deposit's own database, for looking."""
    http: Any = None
    _stack: AsyncExitStack = field(default_factory=AsyncExitStack)
    _producer: Any = None
    _versions: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    _reported: dict[str, Status] = field(default_factory=dict)
    """The latest status of each piece that is no payment."""

    async def get(self, link: str, headers: Mapping[str, str]) -> httpx.Response:
        """Follow a link of an answer."""
        url = self.http.base_url.join(link)
        found: httpx.Response = await self.http.get(url, headers=headers)
        return found

    async def __aenter__(self) -> Self:
        """Connect, and tell the structures of the tests."""
        client: MongoClient[dict[str, Any]] = self._stack.enter_context(
            MongoClient(self.addresses.mongo, tz_aware=True)
        )
        self.db = client["deposit"]
        self.http = await self._stack.enter_async_context(
            httpx.AsyncClient(
                base_url=self.addresses.services["deposit"],
                timeout=scale_timeout(60),
                limits=httpx.Limits(max_connections=120),
            )
        )
        self._producer = AIOKafkaProducer(
            bootstrap_servers=self.addresses.kafka, enable_idempotence=False
        )
        await self._producer.start()
        self._stack.push_async_callback(self._producer.stop)
        for name in (TITULAIRE, SOUS_TRAITANT, MOE, OTHER):
            await self.tell_structure(name, kind=StructureKind.PRIVEE)
        await self.tell_structure(MOA, MoaParameter.AVEC)
        await self.tell_structure(PAYER)
        return self

    async def __aexit__(self, *error: object) -> None:
        """Disconnect."""
        await self._stack.aclose()

    async def tell_structure(
        self,
        name: str,
        moa: MoaParameter = MoaParameter.SANS,
        kind: StructureKind = StructureKind.PUBLIQUE,
        **parameters: bool,
    ) -> None:
        """Tell a structure, and wait until deposit knows."""
        self._versions[name] += 1
        version = self._versions[name]
        est_moa, est_moa_uniquement = write_moa_booleans(moa)
        payload = StructureChanged(
            structure=name,
            version=version,
            identifier_type=IdentifierType.SIRET,
            identifier=name,
            name=f"Structure {name}",
            kind=kind,
            status=StructureStatus.ACTIF,
            parameters=ParametersV1(
                est_moa=est_moa, est_moa_uniquement=est_moa_uniquement, **parameters
            ),
            services=(ServiceV1(code="TRAVAUX", name="Travaux"),),
            at=_now(),
        )
        await self._send(topics.STRUCTURE, name, payload)
        wanted = {"_id": name, "version": version}
        await wait_until(lambda: self.db["structures"].find_one(wanted), f"structure {name}")

    async def tell_mandate(self, mandate: MandateChanged) -> None:
        """Tell a mandate, and wait until deposit knows."""
        await self._send(topics.MANDAT, mandate.mandate, mandate)
        wanted = {"_id": mandate.mandate, "version": mandate.version}
        await wait_until(lambda: self.db["mandates"].find_one(wanted), f"mandate {wanted}")

    async def tell_sheet(self, sheet: SheetChanged) -> None:
        """Tell the sheet of a marché, and wait until deposit knows."""
        await self._send(topics.MARCHE, sheet.sheet, sheet)
        wanted = {"_id": sheet.sheet, "version": sheet.version}
        await wait_until(lambda: self.db["sheets"].find_one(wanted), f"sheet {wanted}")

    async def tell_dossier(
        self,
        pieces: Mapping[str, Status],
        awaited: Role | None,
        cadres: tuple[str, ...] = (),
        *,
        others: Mapping[Role, tuple[str, ...]] | None = None,
        corrected: Mapping[Role, str] | None = None,
        payment_not_reported: bool = False,
        states_amounts: bool = False,
    ) -> None:
        """Tell the state of the dossier of `pieces`, as routing would, and wait for deposit.

        The latest piece awaits `awaited`, and beside it `others`; with `states_amounts` its amounts
        prevail. Parties are those of the opener, but for the `corrected` ones.
        """
        rows = {each: self.db["pieces"].find_one({"_id": each}) for each in pieces}
        latest = list(pieces)[-1]
        dossier_id = rows[latest]["dossier_id"]
        self._versions[dossier_id] += 1
        version = self._versions[dossier_id]
        drafts = {each: row["piece"]["draft"] for each, row in rows.items()}
        named = {role: party for role, party in drafts[latest]["parties"].items() if party}
        parties = {Role(role): PartyV1(**party) for role, party in named.items()}
        parties |= {role: PartyV1(structure=name) for role, name in (corrected or {}).items()}
        self._reported |= {
            each: status for each, status in pieces.items() if status is not Status.MISE_EN_PAIEMENT
        }
        payload = DossierChanged(
            dossier_id=dossier_id,
            version=version,
            closed=awaited is None,
            payment_not_reported=payment_not_reported,
            table_version=drafts[latest]["table_version"],
            parties=PartiesV1(**{role.value: party for role, party in parties.items()}),
            pieces=tuple(
                PieceStateV1(
                    piece_id=each,
                    cadre=drafts[each]["cadre"],
                    number=drafts[each]["number"],
                    engagement=drafts[each]["engagement"],
                    marche=drafts[each]["marche"],
                    status=status,
                    reported=self._reported.get(each),
                    depositor=ActorV1(
                        role=(role := Role(drafts[each]["depositor_role"])),
                        structure=parties[role].structure,
                    ),
                )
                for each, status in pieces.items()
            ),
            awaited=AwaitedV1(
                role=awaited,
                structure=parties[awaited].structure,
                piece_id=latest,
                cadres=cadres,
                since=_now(),
                others=tuple(
                    TurnV1(role=role, structure=parties[role].structure, cadres=may)
                    for role, may in (others or {}).items()
                ),
            )
            if awaited
            else None,
            prevailing=PrevailingV1(
                piece_id=latest,
                cadre=drafts[latest]["cadre"],
                number=drafts[latest]["number"],
                currency=drafts[latest]["currency"],
                amounts=AmountsV1(**drafts[latest]["amounts"]),
                is_settled=True,
            )
            if states_amounts
            else None,
            mandant=drafts[latest].get("mandant"),
            at=_now(),
        )
        await self._send(topics.DOSSIER, dossier_id, payload)
        wanted = {"_id": dossier_id, "version": version}
        await wait_until(lambda: self.db["dossiers"].find_one(wanted), f"dossier {dossier_id}")

    async def deposit(
        self,
        content: bytes,
        metadata: Answer | str,
        headers: Mapping[str, str] | None = None,
        *,
        name: str = "situation.xml",
        attachments: Mapping[str, bytes] | None = None,
        dry_run: bool = False,
    ) -> httpx.Response:
        """Deposit a file and what is said beside it."""
        files = [("file", (name, content))]
        files += [("attachments", each) for each in (attachments or {}).items()]
        answer: httpx.Response = await self.http.post(
            "/pieces",
            params={"dry_run": dry_run},
            headers=headers or acting(Role.TITULAIRE),
            data={"metadata": metadata if isinstance(metadata, str) else json.dumps(metadata)},
            files=files,
        )
        return answer

    async def open(self, **fields: Any) -> Answer:  # noqa: ANN401 - the fields of an Einvoice
        """Deposit an opener that must be accepted."""
        answer = await self.deposit(einvoices.write_ubl(an_opener(**fields)), beside())
        assert answer.status_code == 201, answer.text
        body: Answer = answer.json()
        return body

    async def opened_and_awaiting_moe(self) -> Answer:
        """Deposit an opener and have routing put it before the MOE."""
        piece = await self.open()
        await self.tell_dossier({piece["piece_id"]: Status.A_ASSOCIER_MOE}, Role.MOE, ("A15",))
        return piece

    async def follow(
        self,
        piece_id: str,
        role: Role = Role.MOE,
        cadre: str = "A15",
        **changes: Any,  # noqa: ANN401
    ) -> httpx.Response:
        """Deposit a plain PDF after a piece."""
        draft = replace(an_opener(cadre=cadre), number=f"{cadre}-{next(_numbers)}")
        return await self.deposit(
            einvoices.write_plain_pdf(draft),
            stated(draft) | {"follows": {"piece_id": piece_id}} | changes,
            acting(role),
            name="piece.pdf",
        )

    def kept(self) -> dict[str, int]:
        """Count all that deposit keeps of its own."""
        names = ("pieces", "idempotency_keys", "ranks", "files")
        return {name: self.db[name].count_documents({}) for name in names}

    async def figure(self, name: str) -> float:
        """Read one of deposit's figures."""
        text: str = (await self.http.get(self.http.base_url.join("/metrics"))).text
        lines = (line.rpartition(" ") for line in text.splitlines() if not line.startswith("#"))
        return next((float(value) for key, _, value in lines if key == name), 0.0)

    async def read_deposits(self, dossier_id: str, number: int) -> list[Answer]:
        """Read the topic of deposits until `number` events of a dossier have come."""
        values = await read_until(
            self.addresses.kafka,
            topics.PIECE_DEPOSEE,
            lambda record: json.loads(record.value)["dossierid"] == dossier_id,
            number,
        )
        return [json.loads(value) for value in values]

    async def _send(self, topic: topics.Topic, key: str, payload: Payload) -> None:
        event = Event[Any](
            id=new_id(),
            source="/tests",
            type=payload.event_type,
            time=_now(),
            subject=key,
            correlationid=key,
            data=payload,
        )
        await self._producer.send_and_wait(topic.name, encode(event), key=key.encode())
