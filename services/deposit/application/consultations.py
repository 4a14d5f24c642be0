"""Use cases that read: show a piece, download its files, prefill the next deposit."""

from dataclasses import dataclass
from enum import Enum, auto

from services.deposit.application.followed_pieces import find_state, is_party, load_circuit
from services.deposit.application.ports import Ports
from services.deposit.domain import rules
from services.deposit.domain.next_pieces import FollowedPiece
from services.deposit.domain.piece import Piece
from services.deposit.domain.prefill import Option, list_options
from services.deposit.domain.turns import judge_turn
from shared.circuit.amounts import Prevailing
from shared.circuit.cadres import find_deposit_act
from shared.circuit.parties import Parties
from shared.circuit.statuses import Act
from shared.vocabulary.actors import Actor
from shared.vocabulary.rules import Violation
from shared.vocabulary.statuses import Status


@dataclass(frozen=True, slots=True)
class PieceView:
    """A piece and the status that the caller may see."""

    piece: Piece
    status: Status
    parties: Parties
    """Parties of the dossier now, who may see the piece."""
    prevailing: Prevailing | None = None
    """Prevailing amounts of its dossier; None until routing has published them."""


@dataclass(frozen=True, slots=True)
class Prefill:
    """What the caller may deposit after a piece, by cadre."""

    piece: Piece
    parties: Parties
    """Parties of the dossier now: a recycling may have corrected those of the piece."""
    engagement: str | None
    mandant: str | None
    options: tuple[Option, ...]


@dataclass(frozen=True, slots=True)
class Download:
    """A file to download."""

    name: str
    media_type: str
    content: bytes


class Absent(Enum):
    """What is not found: the piece, which the caller may only not see yet, or a file of it."""

    PIECE = auto()
    FILE = auto()


class Consultations:
    """Shows pieces to the parties of their dossiers, and to nobody else: access control is here.

    A method returns None (a download: `Absent.PIECE`) when there is no such piece, or the caller
    may not see it.
    """

    def __init__(self, ports: Ports, level: int) -> None:
        """Use these ports; `level` is the write level: acts above it are not offered."""
        self._ports = ports
        self._level = level

    async def show_piece(self, piece_id: str, by: Actor) -> PieceView | None:
        """Show a piece; None when the caller has no such piece."""
        piece = await self._find_piece(piece_id, by)
        if piece is None:
            return None
        state = await self._ports.dossiers.find(piece.dossier_id)
        if state is None:
            return PieceView(piece, Status.DEPOSEE, piece.draft.parties)
        status = state.find_visible_status(by.role, piece.id)
        return PieceView(piece, status, state.parties, state.prevailing)

    async def prefill(self, piece_id: str, by: Actor) -> Prefill | Violation | None:
        """Prefill the next deposit, or return why the caller may not make one now."""
        piece = await self._find_piece(piece_id, by)
        if piece is None:
            return None
        state = await find_state(self._ports, piece)
        if state is None:
            return rules.DOSSIER_ON_ITS_WAY.build_violation("piece")
        following = FollowedPiece(piece, state)
        circuit = load_circuit(piece)
        row = following.find_row(circuit)
        cadres = following.list_cadres(by.role, by.structure)
        act = find_deposit_act(circuit, cadres[0], row) if cadres else Act.DEPOSER_SUITE
        turn = judge_turn(state, piece, row, by.role, by.structure, act, self._level, field="piece")
        if isinstance(turn, Violation):
            return turn
        parties = following.parties
        directory = await self._ports.structures.find(
            party.structure for _, party in parties.list_named()
        )
        return Prefill(
            piece,
            parties,
            following.engagement,
            following.mandant,
            list_options(circuit, following, by.role, directory),
        )

    async def download_file(self, piece_id: str, by: Actor) -> Download | Absent:
        """Read the deposited file."""
        piece = await self._find_piece(piece_id, by)
        if piece is None:
            return Absent.PIECE
        return await self._download(piece.file.sha256, piece.file.name, piece.file.media_type)

    async def download_attachment(self, piece_id: str, sha256: str, by: Actor) -> Download | Absent:
        """Read an attachment of a piece; `Absent.FILE` when the piece has no such one."""
        piece = await self._find_piece(piece_id, by)
        if piece is None:
            return Absent.PIECE
        found = piece.find_attachment(sha256)
        if not found:
            return Absent.FILE
        return await self._download(sha256, found.name, found.media_type)

    async def download_certificate(
        self, piece_id: str, by: Actor, completion: int | None = None
    ) -> Download | Absent:
        """Read the certificate of a deposit, or of the completion of that rank, from 1."""
        piece = await self._find_piece(piece_id, by)
        if piece is None:
            return Absent.PIECE
        if completion is None:
            name = f"certificat-{piece.id}.pdf"
            return await self._download(piece.certificate_sha256, name, "application/pdf")
        if not 1 <= completion <= len(piece.completions):
            return Absent.FILE
        sha256 = piece.completions[completion - 1].certificate_sha256
        name = f"certificat-{piece.id}-complement-{completion}.pdf"
        return await self._download(sha256, name, "application/pdf")

    async def _find_piece(self, piece_id: str, by: Actor) -> Piece | None:
        piece = await self._ports.pieces.get(piece_id)
        if piece is None or not await is_party(self._ports, piece, by):
            return None
        return piece

    async def _download(self, sha256: str, name: str, media_type: str) -> Download:
        return Download(name, media_type, await self._ports.vault.get(sha256))
