"""Rules of attachments: those of the platform, with the codes and limits of deposit."""

from collections.abc import Sequence

from services.deposit.domain import rules
from shared.vocabulary.attachments import Attached, AttachmentRules, judge
from shared.vocabulary.rules import Violation
from shared.vocabulary.sizes import MEGABYTE

_RULES = AttachmentRules(
    name_too_long=rules.ATTACHMENT_NAME_TOO_LONG,
    name_refused=rules.ATTACHMENT_NAME_REFUSED,
    type_refused=rules.ATTACHMENT_TYPE_REFUSED,
    content_differs=rules.ATTACHMENT_CONTENT_DIFFERS,
    empty=rules.ATTACHMENT_EMPTY,
    too_large=rules.ATTACHMENT_TOO_LARGE,
    too_many=rules.TOO_MANY_ATTACHMENTS,
    total_too_large=rules.TOTAL_TOO_LARGE,
    # A limit of ours: each message about the piece holds the references of all of them.
    count_limit=50,
    total_limit=120 * MEGABYTE,
)


def judge_attachments(
    attachments: Sequence[Attached], file_bytes: int = 0
) -> tuple[Violation, ...]:
    """List the rules that attachments break, each on `attachments.<rank>`, and their total.

    `file_bytes` is the size of the main file, which counts in the total.
    """
    return judge(_RULES, attachments, other_bytes=file_bytes)
