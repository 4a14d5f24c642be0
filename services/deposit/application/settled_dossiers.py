"""The dossiers that a facture de régularisation settles, and who claims them already."""

from collections.abc import Iterable, Mapping

from services.deposit.application.ports import Ports
from services.deposit.domain.settlements import SettledDossier
from shared.circuit.amounts import DISCARDED


async def find_settled(
    ports: Ports, dossiers: Iterable[str]
) -> tuple[Mapping[str, SettledDossier], frozenset[str]]:
    """Find the dossiers that a deposit settles, by id, without those that are not known.

    Returns beside them the pieces that claimed one of them and were refused since: the deposit may
    take their claims over.
    """
    wanted = tuple(dossiers)
    claims = await ports.pieces.find_settlements(wanted) if wanted else {}
    freed = frozenset([piece for piece in set(claims.values()) if await _is_refused(ports, piece)])
    found = {}
    for dossier in wanted:
        state = await ports.dossiers.find(dossier)
        if state is None:
            continue
        prevailing = state.prevailing and await ports.pieces.get(state.prevailing.piece_id)
        claim = claims.get(dossier)
        found[dossier] = SettledDossier(
            state,
            prevailing.draft if prevailing else None,
            is_claimed=claim is not None and claim not in freed,
        )
    return found, freed


async def _is_refused(ports: Ports, piece_id: str) -> bool:
    """Tell whether a piece was refused or rejected, by the state that routing published."""
    piece = await ports.pieces.get(piece_id)
    state = await ports.dossiers.find(piece.dossier_id) if piece else None
    return state is not None and state.find_status(piece_id) in DISCARDED
