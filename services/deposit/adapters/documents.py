"""Conversion of pieces to documents of the store, and back."""

from pydantic import TypeAdapter

from services.deposit.domain.piece import Completion, Piece
from shared.runtime.store.database import Document
from shared.runtime.store.schema import DocumentFormat
from shared.vocabulary.piece_numbers import build_number_key

_PIECE = TypeAdapter(Piece)
_COMPLETION = TypeAdapter(Completion)


def build_number_id(depositor: str, number: str) -> str:
    """Build the unique key of a number: depositor and number as one value, faster to look up.

    A number holds no line break, so two pairs never have the same key.
    """
    return f"{depositor}\n{build_number_key(number)}"


def _from_piece(piece: Piece) -> Document:
    """Convert a piece to a document, with the fields that searches need beside it."""
    draft = piece.draft
    certified = piece.certificate_sha256
    return {
        "_id": piece.id,
        "dossier_id": piece.dossier_id,
        "number_id": build_number_id(draft.depositor.structure, draft.number),
        "number_key": build_number_key(draft.number),
        "files": [
            *(piece.file.sha256, certified, *(each.sha256 for each in piece.attachments)),
            *(sha256 for each in piece.completions for sha256 in list_files(each)),
        ],
        "deposited_at": piece.deposited_at,
        "piece": _PIECE.dump_python(piece, mode="json"),
    }


def _to_piece(document: Document) -> Piece:
    return _PIECE.validate_python(document["piece"])


PIECES = DocumentFormat("pieces", read=_to_piece, write=_from_piece)


def from_completion(completion: Completion) -> Document:
    """Convert a completion to a document."""
    document: Document = _COMPLETION.dump_python(completion, mode="json")
    return document


def list_files(completion: Completion) -> list[str]:
    """List the files that a completion refers to."""
    return [completion.certificate_sha256, *(each.sha256 for each in completion.attachments)]
