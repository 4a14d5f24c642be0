"""The use case of the export: what its peers know of a dossier, gathered into one archive."""

from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from services.portal.domain.export import (
    Json,
    Member,
    files_of,
    manifest,
    read_me,
    statuses_csv,
    trail_lines,
)
from services.portal.domain.verifier.verify import (
    CIRCUIT,
    DOSSIER,
    MANIFEST,
    README,
    STATUSES,
    TRAIL,
    canonical,
)
from shared.vocabulary.actors import Actor

_LOOKS = 3
"""How often a dossier is asked for that moves on between its state and its trail."""


class NotNowError(Exception):
    """A peer does not answer, or too many ask at once: the caller may come back."""


class DamagedError(Exception):
    """A file is no longer the one that was deposited, and deposit does not give it out."""


class TooLargeError(Exception):
    """The files are larger than an export may be."""


class Peers(Protocol):
    """Routing and deposit, asked as the one who exports. None: not for that party, or unknown."""

    async def dossier(self, dossier_id: str) -> Json | None: ...
    async def trail(self, dossier_id: str) -> Sequence[Json] | None: ...
    async def piece(self, piece_id: str) -> Json | None: ...
    def file(self, url: str) -> AsyncGenerator[bytes, None]: ...


class Archive(Protocol):
    """Where the members are written, in order."""

    async def add(self, path: str, chunks: AsyncGenerator[bytes, None], name: str) -> Member: ...
    async def put(self, path: str, content: bytes) -> Member: ...


@dataclass(frozen=True, slots=True)
class Kit:
    """What an export holds of its own: the verifier, its text, and the rules of the circuit."""

    verifier: bytes
    read_me: str
    circuit: bytes


class Exporting:
    """Exports dossiers."""

    def __init__(self, kit: Kit, clock: Callable[[], datetime]) -> None:
        """Use this kit and clock."""
        self._kit = kit
        self._clock = clock

    async def export(self, dossier_id: str, by: Actor, peers: Peers, archive: Archive) -> bool:
        """Write the export of a dossier; False when the caller has no such dossier."""
        seen = await _look(dossier_id, peers)
        if seen is None:
            return False
        dossier, trail = seen
        deposited = {
            piece["piece_id"]: await _deposited(peers, piece["piece_id"])
            for piece in dossier["pieces"]
        }
        own = {
            README: read_me(self._kit.read_me, dossier, trail, self._kit.verifier),
            DOSSIER: canonical(dossier, 1) + b"\n",
            STATUSES: statuses_csv(trail),
            TRAIL: trail_lines(trail),
            CIRCUIT: self._kit.circuit,
            "verify.py": self._kit.verifier,
        }
        members = [await archive.put(path, content) for path, content in own.items()]
        members += [
            await archive.add(wanted.path, peers.file(wanted.url), wanted.name)
            for wanted in files_of(dossier, trail, deposited)
        ]
        await archive.put(MANIFEST, manifest(dossier, trail, members, by, self._clock()))
        return True


async def _look(dossier_id: str, peers: Peers) -> tuple[Json, Sequence[Json]] | None:
    """Take state and trail of one moment. One that never agrees is exported as it is."""
    looks = _LOOKS
    while True:
        looks -= 1
        dossier, trail = await peers.dossier(dossier_id), await peers.trail(dossier_id)
        if dossier is None or trail is None:
            return None
        if not looks or (trail and trail[-1]["version"] == dossier["version"]):
            return dossier, trail


async def _deposited(peers: Peers, piece_id: str) -> Json:
    piece = await peers.piece(piece_id)
    if piece is None:
        raise NotNowError(f"deposit does not know piece {piece_id}")
    return piece
