"""Directory lookup of the structures that a request names."""

from services.support.access.application.ports import Structures
from services.support.access.domain.parties import Issuer, Recipient
from shared.circuit.parties import Directory


async def find_directory(structures: Structures, *parties: Issuer | Recipient | None) -> Directory:
    """Find the structures of these parties in the directory."""
    ids = {each.structure for each in parties if each and each.structure}
    return await structures.find(ids) if ids else {}
