"""Use case of the export: collects a dossier from routing and deposit into one archive."""

from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from services.portal.domain.export import (
    Json,
    Member,
    find_unknown_status,
    list_files,
    write_dossier,
    write_manifest,
    write_read_me,
    write_statuses,
    write_trail,
)
from services.portal.domain.verifier.verify import (
    CIRCUIT,
    DOSSIER,
    MANIFEST,
    README,
    STATUSES,
    TRAIL,
)
from shared.vocabulary.actors import Actor

_ATTEMPTS = 3
"""Attempts to read the state and the trail in one version, while the dossier changes."""


class UnavailableError(Exception):
    """Too many exports wait, or a service is away or of a newer version: the caller may retry."""


class DamagedError(Exception):
    """A file in the store is no longer the one that was deposited; deposit refuses it."""


class TooLargeError(Exception):
    """The files are larger than an export may be."""


class Peers(Protocol):
    """Routing and deposit, asked with the identity of the caller; None when it has no access.

    Every method raises UnavailableError and TooLargeError; `fetch_file` raises DamagedError too.
    """

    async def fetch_dossier(self, dossier_id: str) -> Json | None: ...
    async def fetch_trail(self, dossier_id: str) -> Sequence[Json] | None: ...
    async def fetch_piece(self, piece_id: str) -> Json | None: ...
    def fetch_file(self, url: str) -> AsyncGenerator[bytes, None]: ...


class Archive(Protocol):
    """Archive of an export, to which members are added in order."""

    async def add(self, path: str, chunks: AsyncGenerator[bytes, None], name: str) -> Member: ...
    async def put(self, path: str, content: bytes) -> Member: ...


@dataclass(frozen=True, slots=True)
class ExportAssets:
    """Assets of an export: the verifier, its text, and the rules of the circuit."""

    verifier: bytes
    read_me: str
    circuit: bytes


class Exports:
    """Use case of the export of a dossier."""

    def __init__(self, assets: ExportAssets, clock: Callable[[], datetime]) -> None:
        """Use these assets and this clock."""
        self._assets = assets
        self._clock = clock

    async def export(self, dossier_id: str, by: Actor, peers: Peers, archive: Archive) -> bool:
        """Write the export of a dossier; False when the caller has no such dossier."""
        seen = await _read_consistent(dossier_id, peers)
        if seen is None:
            return False
        dossier, trail = seen
        if unknown := find_unknown_status(trail):
            raise UnavailableError(f"status {unknown} is of a newer version")
        deposited = {
            piece["piece_id"]: await _read_deposit(peers, piece["piece_id"])
            for piece in dossier["pieces"]
        }
        own = {
            README: write_read_me(self._assets.read_me, dossier, trail, self._assets.verifier),
            DOSSIER: write_dossier(dossier),
            STATUSES: write_statuses(trail),
            TRAIL: write_trail(trail),
            CIRCUIT: self._assets.circuit,
            "verify.py": self._assets.verifier,
        }
        members = [await archive.put(path, content) for path, content in own.items()]
        members += [
            await archive.add(wanted.path, peers.fetch_file(wanted.url), wanted.name)
            for wanted in list_files(dossier, trail, deposited)
        ]
        await archive.put(MANIFEST, write_manifest(dossier, trail, members, by, self._clock()))
        return True


async def _read_consistent(dossier_id: str, peers: Peers) -> tuple[Json, Sequence[Json]] | None:
    """Read the state and the trail of one version; after the last attempt, of two.

    None when the caller has no such dossier.
    """
    attempts = _ATTEMPTS
    while True:
        attempts -= 1
        dossier, trail = await peers.fetch_dossier(dossier_id), await peers.fetch_trail(dossier_id)
        if dossier is None or trail is None:
            return None
        if not attempts or (trail and trail[-1]["version"] == dossier["version"]):
            return dossier, trail


async def _read_deposit(peers: Peers, piece_id: str) -> Json:
    piece = await peers.fetch_piece(piece_id)
    if piece is None:
        raise UnavailableError(f"deposit does not know piece {piece_id}")
    return piece
