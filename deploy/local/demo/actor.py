"""An actor in front of the platform: what a person or their software does over HTTP."""

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import httpx

from shared.vocabulary.roles import Role

Answer = dict[str, Any]
_PATIENCE_S = 60.0
_POLL_S = 0.05


class Unexpected(Exception):  # noqa: N818 - it ends the demo, which prints it
    """The platform did not do what the demo shows."""


@dataclass(frozen=True, slots=True)
class File:
    """A file to deposit."""

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


@dataclass(frozen=True, slots=True)
class Actor:
    """One structure in one role."""

    services: Services
    role: Role
    siret: str

    @property
    def headers(self) -> dict[str, str]:
        """Who acts."""
        return {"X-Structure": self.siret, "X-Role": self.role}

    async def declare(self, declaration: Mapping[str, Any]) -> None:
        """Declare this actor's structure."""
        answer = await self.services.organisation.put(
            f"/structures/{self.siret}", headers=self.headers, json=declaration
        )
        if not answer.is_success:
            raise Unexpected(answer.text)

    async def would_be_accepted(self, file: File, metadata: Mapping[str, Any]) -> None:
        """Wait until a dry run accepts a piece."""
        deadline = asyncio.get_running_loop().time() + _PATIENCE_S
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
        """Deposit a piece and give the answer, whatever it is."""
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
        """Deposit a piece that must be accepted."""
        return _expect(await self.try_deposit(file, metadata, key=key), 201)

    async def is_awaited(self, piece_id: str) -> Answer:
        """Wait until the platform says that this actor may follow a piece; give the prefill."""
        return await self._until_ok(f"/pieces/{piece_id}/next")

    async def treat(self, piece_id: str, act: str, **reasons: str) -> Answer:
        """Treat a piece that has reached this actor."""
        return _expect(await self.try_treat(piece_id, act, **reasons), 200)

    async def try_treat(self, piece_id: str, act: str, **reasons: str) -> httpx.Response:
        """Treat a piece and give the answer, whatever it is; wait first until it is there."""
        path = f"/pieces/{piece_id}/treatments"
        await self._until_allowed(path, act)
        return await self.services.routing.post(
            path, headers=self.headers, json={"act": act, **reasons}
        )

    async def complete(self, piece_id: str, comment: str, attachment: File) -> Answer:
        """Complete a suspended piece, once the platform asks for it."""
        deadline = asyncio.get_running_loop().time() + _PATIENCE_S
        while True:
            answer = await self.services.deposit.post(
                f"/pieces/{piece_id}/completion",
                headers=self.headers,
                data={"comment": comment},
                files={"attachments": (attachment.name, attachment.content, attachment.media_type)},
            )
            if answer.status_code != httpx.codes.CONFLICT:
                return _expect(answer, 201)
            await _pause(deadline, answer)

    async def _until_allowed(self, path: str, act: str) -> None:
        deadline = asyncio.get_running_loop().time() + _PATIENCE_S
        while True:
            answer = await self.services.routing.get(path, headers=self.headers)
            if answer.is_success and act in _acts(answer.json()):
                return
            await _pause(deadline, answer)

    async def _until_ok(self, path: str) -> Answer:
        deadline = asyncio.get_running_loop().time() + _PATIENCE_S
        while True:
            answer = await self.services.deposit.get(path, headers=self.headers)
            if answer.is_success:
                return _expect(answer, 200)
            await _pause(deadline, answer)


def _acts(body: Any) -> Sequence[str]:  # noqa: ANN401 - JSON
    acts: list[str] = body["acts"]
    return acts


async def _pause(deadline: float, last: httpx.Response) -> None:
    if asyncio.get_running_loop().time() > deadline:
        raise Unexpected(f"{last.request.method} {last.request.url.path}: {last.text}")
    await asyncio.sleep(_POLL_S)


def _expect(answer: httpx.Response, status: int) -> Answer:
    if answer.status_code != status:
        raise Unexpected(
            f"{answer.request.method} {answer.request.url.path}: "
            f"{answer.status_code} instead of {status}: {answer.text}"
        )
    body: Answer = answer.json()
    return body
