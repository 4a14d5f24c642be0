"""The names of files, as they arrive and as they leave."""

import io

import pytest
from fastapi import UploadFile

from shared.runtime.web.uploads import Uploaded, make_safe_name


@pytest.mark.parametrize(
    ("sent", "name"),
    [
        ("Capture à 10.00\u202fPM.txt", "Capture à 10.00 PM.txt"),
        ("plan\u00a0n°\u200b3.pdf", "plan n°3.pdf"),
        ("\u202efdp.exe", "\u202efdp.exe"),
    ],
)
def test_a_name_arrives_with_common_spaces(sent: str, name: str) -> None:
    assert Uploaded(UploadFile(io.BytesIO(), filename=sent)).name == name


def test_a_safe_name_keeps_its_words_apart() -> None:
    assert make_safe_name("../a\u202fb\u202e.pdf") == "a b.pdf"
