"""Events that deposit publishes, built from its pieces."""

from collections.abc import Iterable

from services.deposit.domain.piece import Completion, JudgedBy, Piece
from shared.circuit.statuses import Act
from shared.contracts.common_v1 import (
    ActorV1,
    AmountsV1,
    FileV1,
    JudgedByV1,
    PartiesV1,
    PartyV1,
)
from shared.contracts.deposit_v1 import PieceCompleted, PieceContested, PieceDeposited
from shared.contracts.envelope import Payload
from shared.contracts.outgoing import Outgoing
from shared.contracts.topics import PIECE_DEPOSEE
from shared.vocabulary.attachments import StoredFile


def build_deposit_message(piece: Piece, sequence: int) -> Outgoing:
    """Build the event of a deposited piece."""
    draft = piece.draft
    payload = PieceDeposited(
        piece_id=piece.id,
        dossier_id=piece.dossier_id,
        cadre=draft.cadre,
        number=draft.number,
        issued_on=draft.issued_on,
        currency=draft.currency,
        amounts=AmountsV1.of(draft.amounts),
        depositor_role=draft.depositor_role,
        depositor=PartyV1.of(draft.depositor),
        parties=PartiesV1.of(draft.parties),
        follows=draft.follows,
        engagement=draft.engagement,
        marche=draft.marche,
        type_tva=draft.type_tva,
        mode_paiement=draft.mode_paiement,
        type_code=draft.type_code,
        syntax=draft.read.syntax,
        file=_build_file(piece.file),
        attachments=_build_files(piece.attachments),
        comment=draft.comment,
        certificate_sha256=piece.certificate_sha256,
        table_version=draft.table_version,
        directory=draft.directory,
        deposited_at=piece.deposited_at,
        user=piece.user,
        mandant=draft.mandant,
        mandate=_build_judged_by(draft.mandate),
        settles=draft.settles,
        lot=draft.lot,
        sheet=_build_judged_by(draft.sheet),
        delays=draft.delays,
    )
    return _build_outgoing(piece, payload, sequence)


def build_addition_message(piece: Piece, completion: Completion, sequence: int) -> Outgoing:
    """Build the event of a piece that was completed or contested."""
    draft = piece.draft
    by = ActorV1(
        role=completion.role or draft.depositor_role,
        structure=(completion.by or draft.depositor).structure,
    )
    files = _build_files(completion.attachments)
    if completion.act is Act.CONTESTER:
        contested = PieceContested(
            piece_id=piece.id,
            dossier_id=piece.dossier_id,
            by=by,
            attachments=files,
            comment=completion.comment or "",
            certificate_sha256=completion.certificate_sha256,
            contested_at=completion.completed_at,
            user=completion.user,
        )
        return _build_outgoing(piece, contested, sequence)
    payload = PieceCompleted(
        piece_id=piece.id,
        dossier_id=piece.dossier_id,
        by=by,
        attachments=files,
        comment=completion.comment,
        certificate_sha256=completion.certificate_sha256,
        completed_at=completion.completed_at,
        user=completion.user,
    )
    return _build_outgoing(piece, payload, sequence)


def _build_outgoing(piece: Piece, payload: Payload, sequence: int) -> Outgoing:
    return Outgoing(
        topic=PIECE_DEPOSEE,
        key=piece.dossier_id,
        subject=piece.id,
        payload=payload,
        # The dossier is the correlation: one id follows it from its opener to its last status.
        correlation_id=piece.dossier_id,
        dossier_id=piece.dossier_id,
        sequence=sequence,
    )


def _build_judged_by(judged_by: JudgedBy | None) -> JudgedByV1 | None:
    return JudgedByV1(id=judged_by.id, version=judged_by.version) if judged_by else None


def _build_file(file: StoredFile) -> FileV1:
    return FileV1(
        sha256=file.sha256, size_bytes=file.size_bytes, name=file.name, media_type=file.media_type
    )


def _build_files(files: Iterable[StoredFile]) -> tuple[FileV1, ...]:
    return tuple(_build_file(file) for file in files)
