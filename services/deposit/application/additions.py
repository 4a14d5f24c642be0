"""Use case of an addition: complete a suspended piece, or contest a décompte général."""

from dataclasses import dataclass, replace

from services.deposit.application.followed_pieces import find_row, find_state, is_party
from services.deposit.application.ports import Ports
from services.deposit.domain import rules
from services.deposit.domain.additions import judge_added, judge_turn_to_add
from services.deposit.domain.piece import Completion, Piece
from shared.application.uploads import Upload, read_heads, store_uploads
from shared.circuit.parties import Party
from shared.circuit.statuses import Act
from shared.vocabulary.roles import Role
from shared.vocabulary.rules import Violation


@dataclass(frozen=True, slots=True)
class Addition:
    """A completion or a contest as it was sent."""

    act: Act

    role: Role
    structure: str
    piece_id: str
    attachments: tuple[Upload, ...]
    comment: str | None


@dataclass(frozen=True, slots=True)
class Completed:
    """The addition was written."""

    piece: Piece
    completion: Completion


@dataclass(frozen=True, slots=True)
class NotAwaited:
    """The piece awaits no such addition of this caller; the violations say why."""

    violations: tuple[Violation, ...]


@dataclass(frozen=True, slots=True)
class Invalid:
    """The addition breaks rules."""

    violations: tuple[Violation, ...]


class Completions:
    """Use case of completions and contests."""

    def __init__(self, ports: Ports, level: int) -> None:
        """Use these ports; `level` is the write level: acts above it are refused."""
        self._ports = ports
        self._level = level

    async def complete(self, addition: Addition) -> Completed | NotAwaited | Invalid | None:
        """Write an addition, or return why not; None when the caller has no such piece."""
        role, structure = addition.role, addition.structure
        piece = await self._ports.pieces.get(addition.piece_id)
        if piece is None or not await is_party(self._ports, piece, role, structure):
            return None
        state = await find_state(self._ports, piece)
        row = find_row(piece, state)
        refused = tuple(
            judge_turn_to_add(piece, row, state, role, structure, addition.act, self._level)
        )
        if refused or state is None:
            return NotAwaited(refused)
        attached = await read_heads(addition.attachments)
        unfit = judge_added(piece, addition.act, attached, addition.comment)
        if unfit:
            return Invalid(unfit)
        completion = await self._certify(piece, addition, state.version)
        if not await self._ports.ledger.complete(piece, completion, state.level):
            violation = rules.ALREADY_COMPLETED.build_violation("piece", number=piece.draft.number)
            return NotAwaited((violation,))
        return Completed(piece, completion)

    async def _certify(self, piece: Piece, addition: Addition, dossier_version: int) -> Completion:
        ports = self._ports
        completion = Completion(
            attachments=await store_uploads(ports.vault, addition.attachments),
            comment=addition.comment,
            completed_at=ports.clock(),
            certificate_sha256="",
            dossier_version=dossier_version,
            act=addition.act,
            by=Party(addition.structure),
            role=addition.role,
        )
        named = piece.draft.parties.list_named()
        directory = await ports.structures.find(party.structure for _, party in named)
        certificate = await ports.certify(piece, directory, completion)
        return replace(completion, certificate_sha256=await ports.vault.put(certificate))
