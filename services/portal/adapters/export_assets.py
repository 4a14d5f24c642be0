"""Assets of every export: the verifier, its text and the circuit."""

from pathlib import Path

from services.portal.application.exports import ExportAssets
from services.portal.domain.circuit import write_circuit
from services.portal.domain.verifier import verify

_FOLDER = Path(verify.__file__).parent


def read_assets(level: int) -> ExportAssets:
    """Read the assets of an export, for a write level."""
    return ExportAssets(
        verifier=(_FOLDER / "verify.py").read_bytes(),
        read_me=(_FOLDER / verify.README).read_text(encoding="utf-8"),
        circuit=write_circuit(level),
    )
