"""The verifier and the text that every export holds, as they lie beside the code."""

from pathlib import Path

from services.portal.application.exporting import Kit
from services.portal.domain import verifier

_FOLDER = Path(verifier.__file__).parent


def read_kit() -> Kit:
    """Read them."""
    return Kit(
        verifier=(_FOLDER / "verify.py").read_bytes(),
        read_me=(_FOLDER / "LISEZMOI.txt").read_text(encoding="utf-8"),
    )
