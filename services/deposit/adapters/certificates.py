"""Certificates of deposits and of additions, rendered to PDF in a thread."""

import asyncio

from services.deposit.adapters.certificate_pdf import (
    AdditionFacts,
    CertificateFacts,
    FileFacts,
    JudgedByFacts,
    PartyFacts,
    StructureFacts,
    render_certificate,
)
from services.deposit.domain.piece import Completion, JudgedBy, Piece
from shared.circuit.parties import Directory, Party
from shared.vocabulary.attachments import StoredFile
from shared.vocabulary.codes import is_credit_note
from shared.vocabulary.roles import Role


async def certify(
    piece: Piece, directory: Directory, completion: Completion | None = None
) -> bytes:
    """Write the certificate of a deposit, or of an addition: who, what, and when."""
    facts = _build_facts(piece, directory, completion)
    return await asyncio.to_thread(render_certificate, facts)


def _build_facts(
    piece: Piece, directory: Directory, completion: Completion | None
) -> CertificateFacts:
    draft = piece.draft
    attachments = completion.attachments if completion else piece.attachments
    return CertificateFacts(
        piece_id=piece.id,
        dossier_id=piece.dossier_id,
        depositor=_build_party(draft.depositor_role, draft.depositor, directory),
        cadre=draft.cadre,
        cadre_label=draft.label,
        number=draft.number,
        issued_on=draft.issued_on,
        type_code=draft.type_code,
        is_credit_note=is_credit_note(draft.type_code),
        engagement=draft.engagement,
        marche=draft.marche,
        comment=draft.comment,
        follows=draft.follows,
        currency=draft.currency,
        amounts=draft.amounts,
        parties=tuple(
            _build_party(role, party, directory) for role, party in draft.parties.list_named()
        ),
        file=_build_file(piece.file),
        attachments=tuple(_build_file(each) for each in attachments),
        deposited_at=piece.deposited_at,
        deposited_via="l'interface de dépôt",
        addition=_build_addition(piece, directory, completion) if completion else None,
        mandant=_build_structure(draft.mandant, directory) if draft.mandant else None,
        mandate=_build_judged_by(draft.mandate),
        settles=draft.settles,
        lot=draft.lot,
        sheet=_build_judged_by(draft.sheet),
    )


def _build_addition(piece: Piece, directory: Directory, completion: Completion) -> AdditionFacts:
    role = completion.role or piece.draft.depositor_role
    party = completion.by or piece.draft.depositor
    return AdditionFacts(
        act=completion.act,
        by=_build_party(role, party, directory),
        at=completion.completed_at,
        comment=completion.comment,
    )


def _build_party(role: Role, party: Party, directory: Directory) -> PartyFacts:
    known = _build_structure(party.structure, directory)
    return PartyFacts(role, known.name, party.structure, party.service)


def _build_structure(structure: str, directory: Directory) -> StructureFacts:
    known = directory.get(structure)
    return StructureFacts(known.name if known else structure, structure)


def _build_judged_by(judged_by: JudgedBy | None) -> JudgedByFacts | None:
    return JudgedByFacts(judged_by.id, judged_by.version) if judged_by else None


def _build_file(file: StoredFile) -> FileFacts:
    return FileFacts(file.name, file.size_bytes, file.sha256)
