"""Subscriptions and the log of deliveries in memory, behind the routes of notification."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from itertools import count
from typing import Any, TypeVar

import httpx
from cryptography.fernet import Fernet
from fastapi import FastAPI

from services.notification.pushes.application.log import PushLog
from services.notification.pushes.domain.delivery import DeliveryState, LoggedDelivery
from services.notification.pushes.domain.labels import describe_target
from services.notification.pushes.domain.targets import TargetRules
from services.notification.pushes.entrypoints.http import create_deliveries_router
from services.notification.subscriptions.adapters.secrets import SecretBox
from services.notification.subscriptions.application.book import SubscriptionBook
from services.notification.subscriptions.application.ports import (
    SubscriptionChange,
    SubscriptionPorts,
)
from services.notification.subscriptions.domain.subscription import Subscription
from services.notification.subscriptions.entrypoints.http import create_subscriptions_router
from services.notification.subscriptions.entrypoints.pages import create_pages_router
from shared.application.idempotency import Key, UsedKey
from shared.rights.model import Attachment, Habilitation, Level, Principal, PrincipalKind
from shared.rights.table import load_rights
from shared.runtime.web.app import create_app
from shared.vocabulary.actors import Actor
from tests.kit.fake_access import ISSUED, ME, TOKEN, build_ports, build_rights
from tests.kit.web_limits import BODY_LIMITS, build_caller_limits

T = TypeVar("T")
NOON = datetime(2026, 12, 1, 12, tzinfo=UTC)
STRUCTURE = ME["x-structure"]
PREFIX = "/notification/v1"


@dataclass
class Memory:
    """Subscriptions in memory; a change is its own transaction."""

    mark = 7
    kept: dict[str, Subscription] = field(default_factory=dict)
    keys: dict[str, UsedKey] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    """Tokens of the mails that ask to confirm."""
    caught_up: list[tuple[str, int | None]] = field(default_factory=list)
    """Subscriptions that catch up, and from which mark."""
    told: list[str] = field(default_factory=list)
    """Subscriptions whose contact was told."""
    is_closed: bool = False
    """Whether nobody may change anything."""

    async def change(self, work: Callable[[SubscriptionChange], Awaitable[T]]) -> T:
        assert not self.is_closed
        return await work(self)

    async def find(self, subscription: str) -> Subscription | None:
        return self.kept.get(subscription)

    async def list_of(self, actor: Actor) -> Sequence[Subscription]:
        return [each for each in self.kept.values() if each.actor.whole == actor.whole]

    async def load(self, subscription: str) -> Subscription | None:
        return self.kept.get(subscription)

    async def count(self, actor: Actor) -> int:
        return len(await self.list_of(actor))

    async def save(self, subscription: Subscription) -> None:
        self.kept[subscription.id] = subscription

    async def delete(self, subscription: str) -> None:
        del self.kept[subscription]

    async def retry(self, subscription: Subscription) -> None: ...

    async def catch_up(self, subscription: Subscription) -> None:
        self.caught_up.append((subscription.id, subscription.resume_mark))

    async def may_ask(self, structure: str, a_day: int) -> bool:  # noqa: ARG002
        return len(self.asked) < a_day

    async def ask_confirmation(self, subscription: Subscription, token: str) -> None:  # noqa: ARG002
        self.asked.append(token)

    async def tell_disabled(self, subscription: Subscription) -> None:
        self.told.append(subscription.id)

    async def find_key_use(self, key: Key | None) -> UsedKey | None:
        return self.keys.get(key.id) if key else None

    async def record_key_use(self, key: Key | None, subject: str) -> None:
        if key:
            self.keys[key.id] = UsedKey(key.fingerprint, subject)


@dataclass
class MemoryLog:
    """A log of five deliveries, newest first."""

    deliveries: list[LoggedDelivery] = field(
        default_factory=lambda: [build_delivery(rank) for rank in (5, 4, 3, 2, 1)]
    )
    is_busy: bool = False

    async def list_log(
        self,
        subscription: str,  # noqa: ARG002
        before: str | None,
        limit: int,
    ) -> Sequence[LoggedDelivery]:
        return [each for each in self.deliveries if not before or each.id < before][:limit]

    async def send_again(self, subscription: str, delivery: str) -> LoggedDelivery | None:  # noqa: ARG002
        return next((each for each in self.deliveries if each.id == delivery), None)

    async def add_test(self, subscription: str) -> LoggedDelivery:  # noqa: ARG002
        return replace(build_delivery(0), dossier_id="essai-1", due=NOON)

    async def replay(
        self,
        subscription: str,  # noqa: ARG002
        since: datetime,  # noqa: ARG002
        before: datetime,  # noqa: ARG002
    ) -> str | None:
        return None if self.is_busy else "reprise-1"


def build_delivery(rank: int) -> LoggedDelivery:
    """Build a delivery of the log."""
    return LoggedDelivery(
        f"e{rank}", "d", rank, DeliveryState.WAITING, NOON, NOON, attempts=0, tries=()
    )


@dataclass
class Desk:
    """The routes over what is in memory."""

    memory: Memory = field(default_factory=Memory)
    log: MemoryLog = field(default_factory=MemoryLog)
    key: str = field(default_factory=lambda: Fernet.generate_key().decode())
    now: datetime = NOON
    limit: int = 20
    asked_a_day: int = 50

    @property
    def book(self) -> SubscriptionBook:
        """The use cases."""
        numbers, secrets = count(len(self.memory.kept) + 1), count(len(self.memory.keys) + 1)
        keys = [self.key] if self.key else []
        return SubscriptionBook(
            SubscriptionPorts(
                subscriptions=self.memory,
                box=SecretBox(keys, lambda: self.now),
                judge_target=lambda url: describe_target(url, TargetRules()),
                create_secret=lambda: f"whsec_{next(secrets)}",
                clock=lambda: self.now,
                new_id=lambda: f"a{next(numbers)}",
                limit=self.limit,
                asked_a_day=self.asked_a_day,
            )
        )

    def call_as(
        self, user: str = "p-moi", *levels: Level, email: str = "moi@exemple.fr"
    ) -> "Calls":
        """Build the client of a user of the structure; its level is modification by default."""
        rights = tuple(
            Habilitation("factures_de_travaux", each) for each in levels or (Level.MODIFICATION,)
        )
        principal = Principal(
            id=user,
            identity="0" * 64,
            kind=PrincipalKind.USER,
            version=1,
            attachments={each: Attachment(each, None, rights) for each in (STRUCTURE, "autre")},
        )
        book = self.book
        routers = [
            create_subscriptions_router(book),
            create_deliveries_router(book, PushLog(self.log)),
            create_pages_router(book),
        ]
        paths = build_rights(routers).keys()
        app = create_app(
            "notification",
            title="essai",
            description="",
            routers=routers,
            readiness=_find_nothing_missing,
            is_started=lambda: True,
            lifespan=_live,
            access=build_ports(principal, {TOKEN: replace(ISSUED, email=email)}),
            rights={
                route: need for route, need in load_rights("notification").items() if route in paths
            },
            body_limits=BODY_LIMITS,
            caller_limits=build_caller_limits(),
            requests_each=1000,
        )
        return Calls(app)


@dataclass(frozen=True)
class Calls:
    """Requests of one user."""

    app: FastAPI

    async def __call__(
        self,
        method: str,
        path: str,
        json: object = None,
        headers: Mapping[str, str] | None = None,
        *,
        is_known: bool = True,
        **content: Any,  # noqa: ANN401
    ) -> httpx.Response:
        """Send a request; without a token, where `is_known` is false."""
        transport = httpx.ASGITransport(self.app)
        async with httpx.AsyncClient(transport=transport, base_url="http://essai") as http:
            return await http.request(
                method,
                f"{PREFIX}{path}",
                json=json,
                headers={**(ME if is_known else {}), **(headers or {})},
                **content,
            )


@asynccontextmanager
async def _live(_: FastAPI) -> AsyncIterator[None]:
    yield


async def _find_nothing_missing() -> list[str]:
    return []
