"""People who ask and desks that answer, over HTTP; and what is told on the topics."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any

import httpx

from deploy.local import Addresses
from shared.contracts.envelope import Event, Head
from shared.contracts.support_v1 import TicketChanged, TicketSubmitted, TicketTransferred
from shared.contracts.topics import TICKET
from shared.vocabulary.tickets import Desk
from tests.kit.access import get_access
from tests.kit.directory import publish_structure
from tests.kit.topics import read_until

Json = dict[str, Any]
Told = TicketSubmitted | TicketTransferred | TicketChanged
PDF = ("bon.pdf", b"%PDF-1.7 bon de livraison", "application/pdf")
_TYPES = {each.event_type: each for each in (TicketSubmitted, TicketTransferred, TicketChanged)}
_STRUCTURES = count(1)


def a_structure() -> str:
    """Give a structure that no other test uses."""
    return f"AUTRE-essai {next(_STRUCTURES)}"


async def a_buyer(addresses: Addresses) -> str:
    """Give a structure that the service knows, and no other test uses."""
    structure = a_structure()
    await publish_structure(addresses, "support", structure)
    return structure


def draft(**changes: object) -> Json:
    """Give a draft for the technical desk that breaks no rule."""
    return {
        "sub_category": "DEPOT",
        "title": "Dépôt refusé",
        "description": "Mon fichier est refusé à l'envoi.",
        **changes,
    }


def to_business(structure: str, **changes: object) -> Json:
    """Give a draft for the business desk of a structure."""
    recipient = {"structure": structure}
    return draft(sub_category="M_REFUS", recipient=recipient, **changes)


@dataclass(frozen=True)
class Person:
    """Somebody who sends requests with the same headers."""

    http: httpx.AsyncClient
    headers: dict[str, str]
    base: str

    async def send(self, method: str, path: str = "", **with_: Any) -> httpx.Response:  # noqa: ANN401
        """Send a request."""
        headers = {**self.headers, **with_.pop("headers", {})}
        return await self.http.request(method, f"{self.base}{path}", headers=headers, **with_)

    async def get(self, path: str = "", **params: str | int) -> Json:
        """Read what is there."""
        response = await self.send("GET", path, params=params)
        assert response.status_code == 200, response.text
        found: Json = response.json()
        return found

    async def do(self, method: str, path: str, **with_: Any) -> Json:  # noqa: ANN401
        """Do what is possible."""
        response = await self.send(method, path, **with_)
        assert response.status_code in {200, 201, 204}, response.text
        done: Json = response.json() if response.content else {}
        return done

    async def submitted(self, body: Json) -> Json:
        """Write a draft and submit it."""
        begun = await self.do("POST", "", json=body)
        return await self.do("POST", f"/{begun['ticket_id']}/submission")


def asker(http: httpx.AsyncClient, structure: str, role: str = "titulaire") -> Person:
    """Give somebody who asks for a structure."""
    return Person(http, get_access().headers(structure, role), "/tickets")


def agent(http: httpx.AsyncClient, desk: str, structure: str = "", name: str = "Zoé") -> Person:
    """Give somebody of a desk."""
    return Person(http, get_access().desk_headers(desk, name, structure), "/desk/tickets")


def stranger(http: httpx.AsyncClient, token: str = "") -> Person:
    """Give somebody without an account."""
    return Person(http, {"X-Ticket-Token": token} if token else {}, "/open/tickets")


async def read_events(kafka: str, desk: Desk, ticket: str, number: int) -> Sequence[Told]:
    """Read the topic of a desk until `number` events of a ticket have come."""
    values = await read_until(
        kafka, TICKET[desk], lambda record: record.key.decode() == ticket, number
    )
    return [_read(each) for each in values]


def _read(value: bytes) -> Told:
    kind: Any = _TYPES[Head.model_validate_json(value).type]
    reader: Any = Event.__class_getitem__(kind)
    found: Told = reader.model_validate_json(value).data
    return found
