"""HTTP client of an actor: deposits, treats and reads pieces, and waits for their statuses."""

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

import httpx

from shared.vocabulary.roles import Role
from shared.vocabulary.statuses import Status

Answer = dict[str, Any]
_TIMEOUT_S = 60.0
_POLL_S = 0.05


class Unexpected(Exception):  # noqa: N818 - it ends the demo, which prints it
    """Answer of the platform that the demo does not expect."""


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
    """HTTP client of one structure in one role."""

    services: Services
    role: Role
    siret: str

    @property
    def headers(self) -> dict[str, str]:
        """Headers that name the actor."""
        return {"X-Structure": self.siret, "X-Role": self.role}

    async def declare(self, declaration: Mapping[str, Any]) -> None:
        """Declare the structure of this actor."""
        answer = await self.services.organisation.put(
            f"/structures/{self.siret}", headers=self.headers, json=declaration
        )
        if not answer.is_success:
            raise Unexpected(answer.text)

    async def wait_until_accepted(self, file: File, metadata: Mapping[str, Any]) -> None:
        """Wait until a dry run accepts a piece."""
        deadline = asyncio.get_running_loop().time() + _TIMEOUT_S
        while (
            not (answer := await self.try_deposit(file, metadata, dry_run=True))
            .json()
            .get("accepted")
        ):
            await _pause(deadline, answer)

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
            headers=self.headers | ({"Idempotency-Key": key} if key else {}),
            data={"metadata": json.dumps(metadata)},
            files={"file": (file.name, file.content, file.media_type)},
        )

    async def deposit(
        self, file: File, metadata: Mapping[str, Any], *, key: str | None = None
    ) -> Answer:
        """Deposit a piece; raises Unexpected when it is refused."""
        return expect(await self.try_deposit(file, metadata, key=key), 201)

    async def wait_for_prefill(self, piece_id: str) -> Answer:
        """Wait until this actor may follow a piece; return the prefilled fields."""
        return await self._until_ok(f"/pieces/{piece_id}/next")

    async def wait_until_depositable(self, piece_id: str, cadre: str) -> None:
        """Wait until this actor may deposit a cadre after a piece."""
        deadline = asyncio.get_running_loop().time() + _TIMEOUT_S
        path = f"/pieces/{piece_id}/next"
        while True:
            answer = await self.services.deposit.get(path, headers=self.headers)
            if answer.is_success and cadre in answer.json()["cadres"]:
                return
            await _pause(deadline, answer)

    async def wait_for_status(self, piece_id: str, status: Status) -> None:
        """Wait until service deposit shows a piece in a status."""
        deadline = asyncio.get_running_loop().time() + _TIMEOUT_S
        while True:
            answer = await self.services.deposit.get(f"/pieces/{piece_id}", headers=self.headers)
            if answer.is_success and answer.json()["status"] == status:
                return
            await _pause(deadline, answer)

    async def treat(self, piece_id: str, act: str, **reasons: Any) -> Answer:  # noqa: ANN401 - JSON
        """Treat a piece that has reached this actor."""
        return expect(await self.try_treat(piece_id, act, **reasons), 200)

    async def try_treat(
        self,
        piece_id: str,
        act: str,
        **reasons: Any,  # noqa: ANN401 - JSON
    ) -> httpx.Response:
        """Wait until a piece is there, treat it, and return the answer, whatever it is."""
        path = f"/pieces/{piece_id}/treatments"
        await self._until_allowed(path, act)
        return await self.services.routing.post(
            path, headers=self.headers, json={"act": act, **reasons}
        )

    async def complete(self, piece_id: str, comment: str, attachment: File) -> Answer:
        """Complete a suspended piece, when this is allowed."""
        return await self._add("completion", piece_id, comment, attachment)

    async def contest(self, piece_id: str, comment: str, attachment: File) -> Answer:
        """Contest a décompte général, when this is allowed."""
        return await self._add("contestation", piece_id, comment, attachment)

    async def history(self, dossier_id: str) -> list[Answer]:
        """Read the history of statuses of a dossier that this actor may see."""
        answer = await self.services.notification.get(
            f"/dossiers/{dossier_id}/statuses", headers=self.headers
        )
        found: list[Answer] = expect(answer, 200)["statuses"]
        return found

    async def trail(self, dossier_id: str) -> Answer:
        """Read the verification of a dossier's audit trail."""
        answer = await self.services.routing.get(
            f"/dossiers/{dossier_id}/audit", headers=self.headers
        )
        found: Answer = expect(answer, 200)["verification"]
        return found

    async def _add(self, what: str, piece_id: str, comment: str, attachment: File) -> Answer:
        deadline = asyncio.get_running_loop().time() + _TIMEOUT_S
        while True:
            answer = await self.services.deposit.post(
                f"/pieces/{piece_id}/{what}",
                headers=self.headers,
                data={"comment": comment},
                files={"attachments": (attachment.name, attachment.content, attachment.media_type)},
            )
            if answer.status_code != httpx.codes.CONFLICT:
                return expect(answer, 201)
            await _pause(deadline, answer)

    async def _until_allowed(self, path: str, act: str) -> None:
        deadline = asyncio.get_running_loop().time() + _TIMEOUT_S
        while True:
            answer = await self.services.routing.get(path, headers=self.headers)
            if answer.is_success and act in _acts(answer.json()):
                return
            await _pause(deadline, answer)

    async def _until_ok(self, path: str) -> Answer:
        deadline = asyncio.get_running_loop().time() + _TIMEOUT_S
        while True:
            answer = await self.services.deposit.get(path, headers=self.headers)
            if answer.is_success:
                return expect(answer, 200)
            await _pause(deadline, answer)


def expect(answer: httpx.Response, status: int) -> Answer:
    """Return the JSON of an answer; raises Unexpected when it has another status."""
    if answer.status_code != status:
        raise Unexpected(
            f"{answer.request.method} {answer.request.url.path}: "
            f"{answer.status_code} instead of {status}: {answer.text}"
        )
    body: Answer = answer.json()
    return body


def _acts(body: Any) -> Sequence[str]:  # noqa: ANN401 - JSON
    acts: list[str] = body["acts"]
    return acts


async def _pause(deadline: float, last: httpx.Response) -> None:
    if asyncio.get_running_loop().time() > deadline:
        raise Unexpected(f"{last.request.method} {last.request.url.path}: {last.text}")
    await asyncio.sleep(_POLL_S)
