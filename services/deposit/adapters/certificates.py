"""Certificates of deposit, rendered to PDF in a thread."""

import asyncio

from services.deposit.adapters.certificate_pdf import (
    CertificateFacts,
    FileFacts,
    PartyFacts,
    render_certificate,
)
from services.deposit.domain.piece import Completion, Piece
from shared.circuit.parties import Directory, Party
from shared.circuit.statuses import Act
from shared.vocabulary.attachments import StoredFile
from shared.vocabulary.roles import Role

_ADDED_AS = {Act.COMPLETER: "complément", Act.CONTESTER: "contestation"}


async def certify(
    piece: Piece, directory: Directory, completion: Completion | None = None
) -> bytes:
    """Write the certificate of a deposit, or of a completion: who, what, and when."""
    facts = _build_facts(piece, directory, completion)
    return await asyncio.to_thread(render_certificate, facts)


def _build_facts(
    piece: Piece, directory: Directory, completion: Completion | None
) -> CertificateFacts:
    draft = piece.draft
    role = completion.role if completion and completion.role else draft.depositor_role
    party = completion.by if completion and completion.by else draft.depositor
    attachments = completion.attachments if completion else piece.attachments
    added = f", en {_ADDED_AS[completion.act]}" if completion else ""
    return CertificateFacts(
        piece_id=piece.id,
        dossier_id=piece.dossier_id,
        depositor=_build_party(role, party, directory),
        cadre=draft.cadre,
        cadre_label=draft.label,
        number=draft.number,
        follows=draft.follows,
        currency=draft.currency,
        amounts=draft.amounts,
        parties=tuple(
            _build_party(role, party, directory) for role, party in draft.parties.list_named()
        ),
        file=_build_file(piece.file),
        attachments=tuple(_build_file(each) for each in attachments),
        deposited_at=completion.completed_at if completion else piece.deposited_at,
        deposited_via=f"l'interface de dépôt{added}",
    )


def _build_party(role: Role, party: Party, directory: Directory) -> PartyFacts:
    known = directory.get(party.structure)
    return PartyFacts(role, known.name if known else party.structure, party.structure)


def _build_file(file: StoredFile) -> FileFacts:
    return FileFacts(file.name, file.size_bytes, file.sha256)
