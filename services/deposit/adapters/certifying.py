"""Certificates of deposit, laid out off the event loop."""

import asyncio
from collections.abc import Iterable

from services.deposit.adapters.certificate import (
    CertificateFacts,
    FileFacts,
    PartyFacts,
    deposit_certificate,
)
from services.deposit.domain.piece import Completion, Piece
from shared.circuit.parties import Directory, Party
from shared.circuit.statuses import Act
from shared.vocabulary.attachments import StoredFile
from shared.vocabulary.roles import Role

_ADDED_AS = {Act.COMPLETER: "complément", Act.CONTESTER: "contestation"}


class PdfCertificates:
    """Certificates of deposit as PDF."""

    async def of_deposit(self, piece: Piece, directory: Directory) -> bytes:
        """Certify a piece."""
        facts = _facts(piece, directory, piece.attachments, "l'interface de dépôt")
        return await asyncio.to_thread(deposit_certificate, facts)

    async def of_completion(
        self, piece: Piece, completion: Completion, directory: Directory
    ) -> bytes:
        """Certify what was added to a piece, by whom, at the time when it was."""
        via = f"l'interface de dépôt, en {_ADDED_AS[completion.act]}"
        facts = _facts(piece, directory, completion.attachments, via, completion)
        return await asyncio.to_thread(deposit_certificate, facts)


def _facts(
    piece: Piece,
    directory: Directory,
    attachments: Iterable[StoredFile],
    via: str,
    completion: Completion | None = None,
) -> CertificateFacts:
    draft = piece.draft
    role = completion.role if completion and completion.role else draft.depositor_role
    party = completion.by if completion and completion.by else draft.depositor
    return CertificateFacts(
        piece_id=piece.id,
        dossier_id=piece.dossier_id,
        depositor=_party(role, party, directory),
        cadre=draft.cadre,
        cadre_label=draft.label,
        number=draft.number,
        follows=draft.follows,
        currency=draft.currency,
        amounts=draft.amounts,
        parties=tuple(_party(role, party, directory) for role, party in draft.parties.named()),
        file=_file(piece.file),
        attachments=tuple(_file(each) for each in attachments),
        deposited_at=completion.completed_at if completion else piece.deposited_at,
        deposited_via=via,
    )


def _party(role: Role, party: Party, directory: Directory) -> PartyFacts:
    known = directory.get(party.structure)
    return PartyFacts(role, known.name if known else party.structure, party.structure)


def _file(file: StoredFile) -> FileFacts:
    return FileFacts(file.name, file.size_bytes, file.sha256)
