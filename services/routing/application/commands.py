"""Conversion of the messages of deposit to commands of a dossier."""

from services.routing.domain.commands import Complete, Deposit
from shared.circuit.statuses import Act
from shared.contracts.deposit_v1 import PieceCompleted, PieceContested, PieceDeposited
from shared.vocabulary.actors import Actor
from shared.vocabulary.texts import normalise_nfc


def read_command(payload: PieceDeposited | PieceCompleted | PieceContested) -> Deposit | Complete:
    """Convert the message of a deposit, a completion or a contest to a command."""
    if isinstance(payload, PieceCompleted | PieceContested):
        if isinstance(payload, PieceContested):
            act, moment = Act.CONTESTER, payload.contested_at
        else:
            act, moment = Act.COMPLETER, payload.completed_at
        return Complete(
            piece_id=payload.piece_id,
            actor=Actor(payload.by.role, payload.by.structure),
            attachments=tuple(file.sha256 for file in payload.attachments),
            comment=payload.comment,
            completed_at=moment,
            act=act,
            certificate_sha256=payload.certificate_sha256,
        )
    return Deposit(
        piece_id=payload.piece_id,
        dossier_id=payload.dossier_id,
        cadre=payload.cadre,
        number=payload.number,
        issued_on=payload.issued_on,
        currency=payload.currency,
        amounts=payload.amounts.to_domain(),
        depositor=Actor(
            payload.depositor_role, payload.depositor.structure, payload.depositor.service
        ),
        parties=payload.parties.to_domain(),
        follows=payload.follows,
        engagement=payload.engagement,
        file_sha256=payload.file.sha256,
        file_size_bytes=payload.file.size_bytes,
        certificate_sha256=payload.certificate_sha256,
        table_version=payload.table_version,
        deposited_at=payload.deposited_at,
        attachments=tuple(file.sha256 for file in payload.attachments),
        comment=payload.comment,
        type_code=payload.type_code,
        mandant=payload.mandant and normalise_nfc(payload.mandant),
        marche=payload.marche and normalise_nfc(payload.marche),
        settles=payload.settles,
        delays=payload.delays,
    )
