"""What separates two amounts has room for one digit more than either."""

from decimal import Decimal

from pydantic import TypeAdapter

from shared.contracts.fields import Difference
from shared.vocabulary.amounts import Amounts, find_changes


def test_the_widest_difference_is_shown() -> None:
    least, most = Decimal("-99999999999999999.99"), Decimal("99999999999999999.99")
    zero = Decimal(0)

    (change,) = find_changes(Amounts(least, zero, zero, zero), Amounts(most, zero, zero, zero))

    shown = TypeAdapter(Difference).dump_python(change.difference, mode="json")
    assert (change.field, shown) == ("ht", "199999999999999999.98")
