"""What a next piece changes in the amounts of the piece that it follows."""

from services.deposit.domain.piece import Change
from shared.vocabulary.amounts import Amounts


def changes(previous: Amounts, now: Amounts) -> tuple[Change, ...]:
    """List the amounts that differ. A change is never a reason to refuse (CCP, R.2192-34)."""
    pairs = (
        ("ht", previous.ht, now.ht),
        ("tva", previous.tva, now.tva),
        ("ttc", previous.ttc, now.ttc),
        ("due", previous.due, now.due),
    )
    return tuple(Change(field, before, after) for field, before, after in pairs if before != after)
