"""Pieces as documents of the store: written and read back."""

from pydantic import TypeAdapter

from services.deposit.domain.piece import Completion, Piece
from shared.runtime.store.database import Document
from shared.vocabulary.piece_numbers import build_number_key

_PIECE = TypeAdapter(Piece)
_COMPLETION = TypeAdapter(Completion)


def number_id(depositor: str, number: str) -> str:
    """Give the unique key of a number: depositor and number as one value, which stores find sooner.

    A number holds no line break, so that two pairs never look the same.
    """
    return f"{depositor}\n{build_number_key(number)}"


def from_piece(piece: Piece) -> Document:
    """Write a piece: what is searched beside the piece itself."""
    draft = piece.draft
    certified = piece.certificate_sha256
    return {
        "_id": piece.id,
        "dossier_id": piece.dossier_id,
        "number_id": number_id(draft.depositor.structure, draft.number),
        "number_key": build_number_key(draft.number),
        "files": [piece.file.sha256, certified, *(each.sha256 for each in piece.attachments)],
        "deposited_at": piece.deposited_at,
        "piece": _PIECE.dump_python(piece, mode="json"),
    }


def to_piece(document: Document) -> Piece:
    """Read a piece back."""
    return _PIECE.validate_python(document["piece"])


def from_completion(completion: Completion) -> Document:
    """Write a completion."""
    document: Document = _COMPLETION.dump_python(completion, mode="json")
    return document


def files_of(completion: Completion) -> list[str]:
    """List the files that a completion refers to."""
    return [completion.certificate_sha256, *(each.sha256 for each in completion.attachments)]
