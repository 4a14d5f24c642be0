"""What every export holds: the verifier and its text, as they lie beside the code, the circuit."""

from pathlib import Path

from services.portal.application.exporting import Kit
from services.portal.domain.circuit import circuit_json
from services.portal.domain.verifier import verify

_FOLDER = Path(verify.__file__).parent


def read_kit() -> Kit:
    """Read them."""
    return Kit(
        verifier=(_FOLDER / "verify.py").read_bytes(),
        read_me=(_FOLDER / verify.README).read_text(encoding="utf-8"),
        circuit=circuit_json(),
    )
