"""Rules of an addition to a piece: a completion or a contest."""

from collections.abc import Iterator, Sequence

from services.deposit.domain import rules
from services.deposit.domain.attachments import judge_attachments
from services.deposit.domain.piece import Piece
from services.deposit.domain.turns import DossierState, judge_turn
from shared.circuit.motives import judge_comment
from shared.circuit.statuses import Act
from shared.circuit.table import Row
from shared.vocabulary.attachments import Attached
from shared.vocabulary.roles import Role
from shared.vocabulary.rules import Violation
from shared.vocabulary.texts import has_visible_letter

ADDITIONS_MAX = 100
"""Limit of completions and contests of one piece, which are all in one document."""
ATTACHMENTS_MAX = 500
"""Limit of the files of one piece, whose references are all in one event of 1 MB."""


def judge_turn_to_add(
    piece: Piece,
    row: Row,
    state: DossierState | None,
    role: Role,
    structure: str,
    act: Act,
    level: int,
) -> Iterator[Violation]:
    """Check that a structure may complete or contest the piece now, and has not done so."""
    if state is None:
        yield rules.DOSSIER_ON_ITS_WAY.build_violation("piece")
        return
    if any(done.dossier_version >= state.version for done in piece.completions):
        yield rules.ALREADY_COMPLETED.build_violation("piece", number=piece.draft.number)
        return
    turn = judge_turn(state, piece, row, role, structure, act, level, field="piece")
    if isinstance(turn, Violation):
        yield turn


def judge_added(
    piece: Piece, act: Act, attachments: Sequence[Attached], comment: str | None
) -> tuple[Violation, ...]:
    """Check an addition; a contest needs a comment, even with attachments."""
    is_contest = act is Act.CONTESTER
    if not (is_contest or attachments or has_visible_letter(comment or "")):
        return (rules.NOTHING_ADDED.build_violation("attachments"),)
    return (
        *judge_comment(comment, is_required=is_contest),
        *judge_attachments(attachments),
        *_judge_room(piece, attachments),
    )


def _judge_room(piece: Piece, attachments: Sequence[Attached]) -> Iterator[Violation]:
    """Check that the events about a piece stay under the size limit of a record."""
    number, done = piece.draft.number, len(piece.completions)
    if done >= ADDITIONS_MAX:
        yield rules.ADDED_TOO_OFTEN.build_violation(
            "piece", number=number, count=done, limit=ADDITIONS_MAX
        )
    added = sum(len(completion.attachments) for completion in piece.completions)
    count = len(piece.attachments) + added + len(attachments)
    if count > ATTACHMENTS_MAX:
        yield rules.ADDED_TOO_MUCH.build_violation(
            "attachments", number=number, count=count, limit=ATTACHMENTS_MAX
        )
