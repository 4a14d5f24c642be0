"""Use case of a deposit: check every rule, then store the piece with its certificate."""

from dataclasses import dataclass, replace

from services.deposit.application.fair_semaphore import FairSemaphore
from services.deposit.application.followed_pieces import find_followed, load_circuit
from services.deposit.application.ports import Depositor, Policy, Ports, RecordedDeposit, Refusal
from services.deposit.application.settled_dossiers import find_settled
from services.deposit.domain import rules
from services.deposit.domain.fields import truncate
from services.deposit.domain.invoice import Invoice
from services.deposit.domain.judgement import Verdict, World, judge, name_parties
from services.deposit.domain.mandates import find_mandant
from services.deposit.domain.metadata import Metadata
from services.deposit.domain.piece import Draft, Piece, Recipient
from services.deposit.domain.proposal import Proposal
from services.deposit.domain.sheets import find_sheet_key
from services.deposit.domain.unreadable import Unreadable, refuse_size
from shared.application.idempotency import Key, UsedKey, build_key, name_owner
from shared.application.uploads import Upload, read_heads, store_file, store_uploads
from shared.circuit.parties import Directory, Parties
from shared.vocabulary.actors import Actor
from shared.vocabulary.codes import Syntax
from shared.vocabulary.dates import find_paris_day
from shared.vocabulary.roles import Role
from shared.vocabulary.rules import Violation
from shared.vocabulary.sizes import MEGABYTE

_FILE_LIMIT = 20 * MEGABYTE
"""Size limit of any deposited file; a larger one is refused before it is read."""


@dataclass(frozen=True, slots=True)
class Submission:
    """A deposit as it was sent."""

    role: Role
    structure: str
    file: Upload
    attachments: tuple[Upload, ...]
    metadata: Metadata
    metadata_text: str
    """The metadata in canonical form, to compare requests with the same idempotency key."""
    key: str | None = None
    service: str | None = None
    """Service to which the habilitation of the depositor is limited."""
    user: str | None = None
    """Id of the principal who deposits."""
    may_issue: bool = False
    """Whether the depositor may issue invoices of its own: application *Factures émises*."""


@dataclass(frozen=True, slots=True)
class Trial:
    """The result of a dry run: the recipient, or every rule that refuses."""

    recipient: Recipient | None
    violations: tuple[Violation, ...]
    read: Invoice | None


@dataclass(frozen=True, slots=True)
class Deposited:
    """The piece was stored, now or by the same submission sent before."""

    piece: Piece
    is_replay: bool = False


@dataclass(frozen=True, slots=True)
class Refused:
    """Rules that refuse a deposit."""

    violations: tuple[Violation, ...]

    @property
    def is_on_its_way(self) -> bool:
        """Whether routing has not yet processed every piece of the dossier, and that is all."""
        return {violation.code for violation in self.violations} == {rules.DOSSIER_ON_ITS_WAY.code}


@dataclass(frozen=True, slots=True)
class _Examination:
    proposal: Proposal
    content: bytes
    verdict: Verdict
    directory: Directory
    dossier_id: str | None
    level: int
    """Level of the state of the dossier that the deposit follows."""
    key: Key | None = None
    used: UsedKey | None = None
    freed: frozenset[str] = frozenset()
    """Pieces that settled the same dossiers, and were refused."""


class Deposits:
    """Use case of deposits: judge a deposit, and store its piece or nothing (dry run)."""

    def __init__(self, ports: Ports, policy: Policy) -> None:
        """Use these ports and this policy."""
        self._ports = ports
        self._policy = policy
        self._memory = FairSemaphore(policy.max_read_at_once, policy.read_wait_s)

    async def try_out(self, submission: Submission) -> Trial:
        """Judge a deposit and store nothing (dry run).

        Raises SaturatedError when too many deposits wait to be read.
        """
        async with self._memory.acquire(submission.structure):
            examined = await self._examine(replace(submission, key=None))
        proposal, verdict = examined.proposal, examined.verdict
        read = None if proposal.unreadable else truncate(proposal.read)
        recipient = verdict.draft.recipient if verdict.draft else None
        return Trial(recipient, verdict.violations, read)

    async def deposit(self, submission: Submission) -> Deposited | Refused:
        """Judge a deposit and store its piece, or return the rules that refuse it.

        Raises SaturatedError when too many deposits wait to be read, or to be stored.
        """
        async with self._memory.acquire(submission.structure):
            examined = await self._examine(submission)
            if examined.used and examined.key:
                return await self._answer_used_key(examined.used, examined.key)
            draft = examined.verdict.draft
            if draft is None:
                return Refused(examined.verdict.violations)
            piece = await self._build_piece(submission, examined, draft)
        outcome = await self._ports.ledger.record(
            piece, examined.key, examined.level, examined.freed
        )
        return await self._answer_recorded(piece, outcome)

    async def _examine(self, submission: Submission) -> _Examination:
        proposal, content = await self._propose(submission)
        followed = await find_followed(self._ports, proposal, self._policy.circuit)
        misled = (followed,) if isinstance(followed, Violation) else ()
        following = None if isinstance(followed, Violation) else followed
        mandant = find_mandant(proposal, following)
        settled, freed = await find_settled(self._ports, proposal.metadata.settles)
        world = World(
            circuit=load_circuit(following.piece) if following else self._policy.circuit,
            directory={},
            today=find_paris_day(self._ports.clock()),
            following=following,
            misled=misled,
            require_moa=self._policy.require_moa,
            max_number_length=self._policy.max_number_length,
            level=self._policy.level,
            mandates=await self._ports.mandates.find([mandant]) if mandant else (),
            settled=settled,
        )
        parties = name_parties(proposal, world).parties
        named = [party.structure for _, party in parties.list_named()]
        directory = await self._ports.structures.find([*named, mandant] if mandant else named)
        sheet_key = None if followed else find_sheet_key(proposal, parties, self._policy.level)
        sheet = await self._ports.sheets.find(*sheet_key) if sheet_key else None
        number = proposal.fields.number
        spent = number and await self._ports.pieces.find_by_number(submission.structure, number)
        # The use of the key is read last: it is found when an earlier request with this key has
        # changed what was read above.
        key = await self._read_key(submission)
        used = await self._ports.pieces.find_key_use(key) if key else None
        world = replace(
            world,
            directory=directory,
            sheet=sheet if sheet and sheet.active else None,
            is_number_spent=bool(spent),
            awaited_number=None if followed else await self._find_awaited_number(proposal, parties),
        )
        return _Examination(
            proposal=proposal,
            content=content,
            verdict=judge(proposal, world),
            directory=directory,
            dossier_id=following.piece.dossier_id if following else None,
            level=following.state.level if following and following.state else 1,
            key=key,
            used=used,
            freed=freed,
        )

    async def _find_awaited_number(self, proposal: Proposal, parties: Parties) -> str | None:
        """Find the number of a piece that awaits the same deposit in another dossier."""
        ports, cadre = self._ports, proposal.fields.cadre
        if cadre is None:
            return None
        depositor = Depositor(proposal.role, proposal.structure, cadre)
        piece_id = await ports.dossiers.find_awaiting(depositor, parties.titulaire.structure)
        piece = await ports.pieces.get(piece_id) if piece_id else None
        return piece.draft.number if piece else None

    async def _propose(self, submission: Submission) -> tuple[Proposal, bytes]:
        file = submission.file
        proposal = Proposal(
            role=submission.role,
            structure=submission.structure,
            metadata=submission.metadata,
            file_bytes=file.size_bytes,
            attachments=await read_heads(submission.attachments),
            service=submission.service,
            may_issue=submission.may_issue,
        )
        if file.size_bytes > _FILE_LIMIT:
            violation = refuse_size(file.size_bytes, _FILE_LIMIT)
            return replace(proposal, unreadable=(violation,)), b""
        content = await file.read()
        try:
            read = await self._ports.reader(content, file.name, submission.structure)
        except Unreadable as unreadable:
            return replace(proposal, unreadable=(unreadable.violation,)), content
        return replace(proposal, read=read), content

    async def _read_key(self, submission: Submission) -> Key | None:
        owner = Actor(submission.role, submission.structure)
        files = (submission.file, *submission.attachments)
        return await build_key(name_owner(owner), submission.key, submission.metadata_text, files)

    async def _build_piece(
        self, submission: Submission, examined: _Examination, draft: Draft
    ) -> Piece:
        """Store the files and the certificate, and build the piece that refers to them."""
        vault, ports = self._ports.vault, self._ports
        file = await store_file(vault, submission.file.name, examined.content)
        is_pdf = draft.read.syntax in {Syntax.PDF, Syntax.FACTUR_X}
        piece = Piece(
            id=ports.new_id(),
            dossier_id=examined.dossier_id or ports.new_id(),
            draft=draft,
            file=replace(file, media_type="application/pdf" if is_pdf else "application/xml"),
            attachments=await store_uploads(vault, submission.attachments),
            certificate_sha256="",
            deposited_at=ports.clock(),
            user=submission.user,
        )
        certificate = await ports.certify(piece, examined.directory, None)
        return replace(piece, certificate_sha256=await vault.put(certificate))

    async def _answer_used_key(self, used: UsedKey, key: Key) -> Deposited | Refused:
        if not used.is_of(key):
            return Refused((rules.KEY_REUSED.build_violation("Idempotency-Key"),))
        return await self._find_replayed(used.subject)

    async def _answer_recorded(
        self, piece: Piece, outcome: RecordedDeposit | Refusal
    ) -> Deposited | Refused:
        if outcome is Refusal.KEY_REUSED:
            return Refused((rules.KEY_REUSED.build_violation("Idempotency-Key"),))
        if outcome is Refusal.NUMBER_SPENT:
            draft = piece.draft
            violation = rules.NUMBER_SPENT.build_violation(
                "number", structure=draft.depositor.structure, number=draft.number
            )
            return Refused((violation,))
        if outcome is Refusal.ALREADY_SETTLED:
            return Refused(await self._name_settled(piece))
        if outcome.is_replay:
            return await self._find_replayed(outcome.piece_id)
        return Deposited(piece)

    async def _name_settled(self, piece: Piece) -> tuple[Violation, ...]:
        """Name the dossiers that another facture de régularisation has just claimed."""
        claims = await self._ports.pieces.find_settlements(piece.draft.settles)
        return tuple(
            rules.ALREADY_SETTLED.build_violation("settles", dossier=dossier) for dossier in claims
        )

    async def _find_replayed(self, piece_id: str) -> Deposited:
        piece = await self._ports.pieces.get(piece_id)
        if piece is None:
            raise LookupError(piece_id)
        return Deposited(piece, is_replay=True)
