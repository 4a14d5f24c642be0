"""What an operator may switch off: a wrong name ends the service before it serves."""

import pytest
from pydantic import ValidationError

from services.deposit.settings import Settings


def _settings(switches: str) -> Settings:
    return Settings(kafka="127.0.0.1:1", mongo="mongodb://127.0.0.1:1", switched_off=switches)


@pytest.mark.parametrize("switches", ["", "  ", "A5", "A5 A22.sans", "A15  A16"])
def test_rows_are_switched_off_by_name(switches: str) -> None:
    assert _settings(switches).switched_off == switches


@pytest.mark.parametrize("switches", ["A99", "A5,A6", "A6.avec", "A5 a6"])
def test_a_switch_that_names_no_row_is_a_setting_refused(switches: str) -> None:
    with pytest.raises(ValidationError, match=r"switched_off\n.*names no row"):
        _settings(switches)
