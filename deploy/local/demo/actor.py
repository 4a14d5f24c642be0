"""HTTP client of an actor: deposits, treats and reads pieces, and waits for their statuses."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, fields
from functools import partial
from typing import Any

import httpx

from deploy.local.demo.structures import Structure
from deploy.local.sign_in import SignIn
from shared.runtime.ids import new_id
from shared.vocabulary.roles import Role
from shared.vocabulary.statuses import Status

Answer = dict[str, Any]
TIMEOUT_S = 60.0
"""Timeout of each wait of an actor, in seconds."""
_POLL_S, _LONGEST_POLL_S = 0.05, 0.5


class Unexpected(Exception):  # noqa: N818 - it ends the demo, which prints it
    """Answer that the demo does not expect, or that did not come before a timeout."""


@dataclass(frozen=True, slots=True)
class File:
    """File to deposit."""

    name: str
    media_type: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Services:
    """HTTP clients of the services."""

    deposit: httpx.AsyncClient
    routing: httpx.AsyncClient
    notification: httpx.AsyncClient
    organisation: httpx.AsyncClient


NEEDED_SERVICES = tuple(f"services.{each.name}" for each in fields(Services))
"""Modules of the services that the demo needs."""


@dataclass(frozen=True, slots=True)
class Actor:
    """HTTP client of one structure in one role.

    A wait repeats a request, and raises Unexpected at its timeout. What a service could not record
    is sent again under its key.
    """

    services: Services
    sign_in: SignIn
    role: Role
    structure: Structure
    timeout_s: float = TIMEOUT_S

    @property
    def headers(self) -> dict[str, str]:
        """Headers of a request: the token of who acts, the structure and its role."""
        return self.sign_in.build_headers(self.structure.user, self.structure.siret, self.role)

    async def declare(self, declaration: Mapping[str, Any]) -> Answer:
        """Create or change the structure of this actor. Raises Unexpected when that is refused.

        Who creates it becomes its main manager.
        """
        path = f"/structures/{self.structure.siret}"
        found = await self.services.organisation.get(path, headers=self.headers)
        version = {"If-Match": found.headers["ETag"]} if found.is_success else {}
        answer = await self.services.organisation.put(
            path, headers=self.headers | version, json=declaration
        )
        if not answer.is_success:
            raise Unexpected(answer.text)
        declared: Answer = answer.json()
        return declared

    async def wait_until_known(self) -> None:
        """Wait until every service knows what the actor may do."""
        for http, path in (
            (self.services.deposit, "/pieces/aucune"),
            (self.services.routing, "/pieces/aucune/treatments"),
            (self.services.notification, "/dossiers/aucun/statuses"),
        ):
            await self._poll(
                partial(http.get, path, headers=self.headers),
                lambda answer: answer.status_code == httpx.codes.NOT_FOUND,
            )

    async def wait_until_accepted(self, file: File, metadata: Mapping[str, Any]) -> None:
        """Wait until a dry run of a deposit is accepted."""
        await self._poll(
            lambda: self.try_deposit(file, metadata, dry_run=True),
            lambda answer: bool(answer.json().get("accepted")),
        )

    async def wait_until_refused(self, file: File, metadata: Mapping[str, Any]) -> None:
        """Wait until a dry run of a deposit is refused."""
        await self._poll(
            lambda: self.try_deposit(file, metadata, dry_run=True),
            lambda answer: not answer.json().get("accepted"),
        )

    async def try_deposit(
        self,
        file: File,
        metadata: Mapping[str, Any],
        *,
        dry_run: bool = False,
        key: str | None = None,
    ) -> httpx.Response:
        """Deposit a piece and return the answer, whatever it is."""
        return await self.services.deposit.post(
            "/pieces",
            params={"dry_run": dry_run},
            headers=self._add_key(key) if key else self.headers,
            data={"metadata": json.dumps(metadata)},
            files={"file": (file.name, file.content, file.media_type)},
        )

    async def deposit(
        self, file: File, metadata: Mapping[str, Any], *, key: str | None = None
    ) -> Answer:
        """Deposit a piece, with a key as often as it takes. Raises Unexpected on a refusal."""
        answer = await self._poll(
            lambda: self.try_deposit(file, metadata, key=key),
            lambda answer: not key or _is_recorded(answer),
        )
        return expect(answer, 201)

    async def wait_for_prefill(self, piece_id: str) -> Answer:
        """Wait until this actor may follow a piece; return the fields to prefill."""
        return await self._poll_deposit(f"/pieces/{piece_id}/next", lambda _: True)

    async def wait_until_depositable(self, piece_id: str, cadre: str) -> None:
        """Wait until this actor may deposit a cadre after a piece."""
        await self._poll_deposit(f"/pieces/{piece_id}/next", lambda body: cadre in body["cadres"])

    async def wait_for_status(self, piece_id: str, status: Status) -> None:
        """Wait until service deposit shows a piece in a status."""
        await self._poll_deposit(f"/pieces/{piece_id}", lambda body: body["status"] == status)

    async def treat(self, piece_id: str, act: str, **reasons: Any) -> Answer:  # noqa: ANN401 - JSON
        """Wait until an act on a piece is offered, and do it. Raises Unexpected on a refusal."""
        return expect(await self.try_treat(piece_id, act, **reasons), 200)

    async def try_treat(
        self,
        piece_id: str,
        act: str,
        **reasons: Any,  # noqa: ANN401 - JSON
    ) -> httpx.Response:
        """Wait until an act on a piece is offered, do it; return the answer, whatever it is."""
        path = f"/pieces/{piece_id}/treatments"
        await self._poll(
            lambda: self.services.routing.get(path, headers=self.headers),
            lambda answer: answer.is_success and act in answer.json()["acts"],
        )
        headers = self._add_key(new_id())
        return await self._poll(
            lambda: self.services.routing.post(path, headers=headers, json={"act": act, **reasons}),
            _is_recorded,
        )

    async def complete(self, piece_id: str, comment: str, attachment: File) -> Answer:
        """Wait until a piece may be completed, and complete it."""
        return await self._add("completion", piece_id, comment, attachment)

    async def contest(self, piece_id: str, comment: str, attachment: File) -> Answer:
        """Wait until a décompte général may be contested, and contest it."""
        return await self._add("contestation", piece_id, comment, attachment)

    async def read_history(self, dossier_id: str) -> list[Answer]:
        """Read the history of statuses of a dossier that this actor may see."""
        answer = await self.services.notification.get(
            f"/dossiers/{dossier_id}/statuses", headers=self.headers
        )
        found: list[Answer] = expect(answer, 200)["statuses"]
        return found

    async def read_trail(self, dossier_id: str) -> Answer:
        """Read a dossier's audit trail; return the result of its verification."""
        answer = await self.services.routing.get(
            f"/dossiers/{dossier_id}/audit", headers=self.headers
        )
        found: Answer = expect(answer, 200)["verification"]
        return found

    def _add_key(self, key: str) -> dict[str, str]:
        return {**self.headers, "Idempotency-Key": key}

    async def _add(self, what: str, piece_id: str, comment: str, attachment: File) -> Answer:
        headers = self._add_key(new_id())
        answer = await self._poll(
            lambda: self.services.deposit.post(
                f"/pieces/{piece_id}/{what}",
                headers=headers,
                data={"comment": comment},
                files={"attachments": (attachment.name, attachment.content, attachment.media_type)},
            ),
            lambda answer: answer.status_code != httpx.codes.CONFLICT and _is_recorded(answer),
        )
        return expect(answer, 201)

    async def _poll_deposit(self, path: str, is_enough: Callable[[Answer], bool]) -> Answer:
        answer = await self._poll(
            lambda: self.services.deposit.get(path, headers=self.headers),
            lambda answer: answer.is_success and is_enough(answer.json()),
        )
        found: Answer = answer.json()
        return found

    async def _poll(
        self,
        ask: Callable[[], Awaitable[httpx.Response]],
        is_enough: Callable[[httpx.Response], bool],
    ) -> httpx.Response:
        """Repeat a request until `is_enough` accepts its answer, with growing pauses."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        while not is_enough(answer := await ask()):
            waited = loop.time() - began
            if waited > self.timeout_s:
                raise Unexpected(
                    f"{answer.request.method} {answer.request.url.path}: {answer.text}"
                )
            await asyncio.sleep(min(max(_POLL_S, waited / 8), _LONGEST_POLL_S))
        return answer


def _is_recorded(answer: httpx.Response) -> bool:
    """Tell whether a service has recorded or refused a request, and not asked for it again."""
    return answer.status_code != httpx.codes.SERVICE_UNAVAILABLE


def expect(answer: httpx.Response, status: int) -> Answer:
    """Return the JSON of an answer. Raises Unexpected when its status is not `status`."""
    if answer.status_code != status:
        raise Unexpected(
            f"{answer.request.method} {answer.request.url.path}: "
            f"{answer.status_code} instead of {status}: {answer.text}"
        )
    body: Answer = answer.json()
    return body
