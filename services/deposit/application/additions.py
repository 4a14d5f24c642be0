"""Use case of an addition: complete a suspended piece, or contest a décompte général."""

from dataclasses import dataclass, replace

from services.deposit.application.followed_pieces import find_row, find_state, is_party
from services.deposit.application.ports import Ports
from services.deposit.domain import rules
from services.deposit.domain.additions import judge_added, judge_turn_to_add
from services.deposit.domain.mandates import find_mandate_to_act
from services.deposit.domain.next_pieces import FollowedPiece
from services.deposit.domain.piece import Completion, Piece
from shared.application.idempotency import (
    Key,
    UsedKey,
    build_key,
    name_owner,
    serialize_request,
)
from shared.application.uploads import Upload, read_heads, store_uploads
from shared.circuit.parties import Party
from shared.circuit.statuses import Act
from shared.vocabulary.actors import Actor
from shared.vocabulary.dates import find_paris_day
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
    key: str | None = None
    service: str | None = None
    """Service to which the habilitation of the caller is limited."""
    user: str | None = None
    """Id of the principal who adds it."""


@dataclass(frozen=True, slots=True)
class Completed:
    """The addition was written, now or by the same request sent before."""

    piece: Piece
    completion: Completion
    rank: int
    """Rank of the completion among those of the piece, from 1."""
    is_replay: bool = False


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
        """Write an addition, once per idempotency key, or return why not.

        None when the caller has no such piece.
        """
        ports = self._ports
        actor = Actor(addition.role, addition.structure, addition.service)
        piece = await ports.pieces.get(addition.piece_id)
        if piece is None or not await is_party(ports, piece, actor):
            return None
        key = await self._read_key(addition)
        outcome = await self._write(piece, addition, key)
        if key and isinstance(outcome, NotAwaited | Invalid):
            # Read last: an earlier request with this key may have changed what was judged.
            outcome = await ports.pieces.find_key_use(key) or outcome
        if isinstance(outcome, UsedKey):
            return await self._answer_used_key(addition, outcome, key)
        return outcome

    async def _write(
        self, piece: Piece, addition: Addition, key: Key | None
    ) -> Completed | NotAwaited | Invalid | UsedKey:
        """Write an addition, unless a rule refuses it or its idempotency key was just used."""
        role, structure = addition.role, addition.structure
        state = await find_state(self._ports, piece)
        row = find_row(piece, state)
        refused = tuple(
            judge_turn_to_add(piece, row, state, role, structure, addition.act, self._level)
        )
        if refused or state is None:
            return NotAwaited(refused)
        if forbidden := await self._judge_mandate(FollowedPiece(piece, state), role):
            return Invalid((forbidden,))
        attached = await read_heads(addition.attachments)
        unfit = judge_added(piece, addition.act, attached, addition.comment)
        if unfit:
            return Invalid(unfit)
        completion = await self._certify(piece, addition, state.version)
        written = await self._ports.ledger.complete(piece, completion, key, state.level)
        if written.used:
            return written.used
        if not written.is_written:
            violation = rules.ALREADY_COMPLETED.build_violation("piece", number=piece.draft.number)
            return NotAwaited((violation,))
        return Completed(piece, completion, len(piece.completions) + 1)

    async def _judge_mandate(self, following: FollowedPiece, role: Role) -> Violation | None:
        """Check that the MOA of a dossier still has the mandate under which it acts."""
        ports, mandant = self._ports, following.mandant
        mandates = await ports.mandates.find([mandant]) if mandant else ()
        today = find_paris_day(ports.clock())
        found = find_mandate_to_act(following, role, mandates, today)
        return found if isinstance(found, Violation) else None

    async def _read_key(self, addition: Addition) -> Key | None:
        owner = name_owner(Actor(addition.role, addition.structure))
        sent = serialize_request(addition.piece_id, addition.act, addition.comment)
        return await build_key(owner, addition.key, sent, addition.attachments)

    async def _answer_used_key(
        self, addition: Addition, used: UsedKey, key: Key | None
    ) -> Completed | Invalid:
        """Answer a repeated request with its completion, or refuse a key sent with another one."""
        if not used.is_of(key):
            return Invalid((rules.KEY_REUSED.build_violation("Idempotency-Key"),))
        piece = await self._ports.pieces.get(addition.piece_id)
        if piece is None:
            raise LookupError(addition.piece_id)
        rank, completion = piece.find_completion(int(used.subject))
        return Completed(piece, completion, rank, is_replay=True)

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
            user=addition.user,
        )
        named = piece.draft.parties.list_named()
        names = [party.structure for _, party in named]
        if piece.draft.mandant:
            names.append(piece.draft.mandant)
        directory = await ports.structures.find(names)
        certificate = await ports.certify(piece, directory, completion)
        return replace(completion, certificate_sha256=await ports.vault.put(certificate))
