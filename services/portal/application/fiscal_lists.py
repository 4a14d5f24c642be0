"""Use case of the fiscal list: its totals and its table, from one read of the pieces."""

from collections.abc import AsyncIterator, Iterator, Mapping
from datetime import date

from services.portal.application.ports import Pieces, Row, Structures
from services.portal.application.searches import list_structures
from services.portal.domain.criteria import Range
from services.portal.domain.fiscal import Subtotal, Sum, Totals, is_refused
from services.portal.domain.piece import Piece
from shared.circuit.labels import label_cadre
from shared.vocabulary.actors import Actor
from shared.vocabulary.dates import find_paris_day
from shared.vocabulary.labels import STATUSES
from shared.vocabulary.roles import Role

HEADERS = (
    "Date de dépôt",
    "Numéro",
    "Cadre",
    "Nature",
    "Date de la pièce",
    "Statut",
    "Date du statut",
    "Refusée ou rejetée",
    "Devise",
    "Montant HT",
    "Montant TVA",
    "Montant TTC",
    "Net à payer",
    "Marché",
    "Engagement",
    "Titulaire",
    "Nom du titulaire",
    "Maîtrise d'ouvrage",
    "Nom de la maîtrise d'ouvrage",
    "Service financier",
    "Nom du service financier",
    "Dossier",
    "Pièce",
    "Pièce précédente",
)
_NOTICE_OF_REPEATS = (
    "Les pièces d'un dossier reprennent les montants les unes des autres : les totaux par cadre "
    "sont à préférer au total général."
)
_NOTICE_OF_AVOIRS = (
    "Un avoir vient en déduction : ses montants sont ici négatifs, quel que soit leur signe dans "
    "la pièce."
)
NOTICES = (_NOTICE_OF_REPEATS, _NOTICE_OF_AVOIRS)
_NAMED = (Role.TITULAIRE, Role.MOA, Role.SERVICE_FINANCIER)


class FiscalLists:
    """Fiscal lists of what a structure sent."""

    def __init__(self, pieces: Pieces, structures: Structures) -> None:
        """Use these ports."""
        self._pieces = pieces
        self._structures = structures

    async def add_up(self, viewer: Actor, period: Range[date]) -> Totals:
        """Add up the pieces sent in a period."""
        totals = Totals()
        async for pieces in self._pieces.list_sent(viewer, period):
            for piece in pieces:
                totals.add(piece, viewer.role)
        return totals

    async def list_rows(self, viewer: Actor, period: Range[date]) -> AsyncIterator[Row]:
        """Yield the headings, a row for each piece, then the totals; a cut file lacks them."""
        yield HEADERS
        totals = Totals()
        async for pieces in self._pieces.list_sent(viewer, period):
            names = await self._structures.find_names(list_structures(pieces))
            for piece in pieces:
                totals.add(piece, viewer.role)
                yield _write_row(piece, viewer.role, names)
        yield ()
        for row in _write_total_lines(totals):
            yield row


def _write_row(piece: Piece, role: Role, names: Mapping[str, str]) -> Row:
    state = piece.select_state(role)
    parties = [piece.parties.get(role) for role in _NAMED]
    amounts = piece.counted
    return (
        find_paris_day(piece.deposited_at) if piece.deposited_at else None,
        piece.number,
        piece.cadre,
        label_cadre(piece.cadre),
        piece.issued_on,
        STATUSES[state.status],
        find_paris_day(state.status_at) if state.status_at else None,
        "oui" if is_refused(piece, role) else "non",
        piece.currency,
        *((amounts.ht, amounts.tva, amounts.ttc, amounts.due) if amounts else (None,) * 4),
        piece.marche,
        piece.engagement,
        *(
            cell
            for party in parties
            for cell in ((party.structure, names.get(party.structure)) if party else (None, None))
        ),
        piece.dossier_id,
        piece.id,
        piece.follows,
    )


def _write_total_lines(totals: Totals) -> Iterator[Row]:
    for total in totals:
        for cadre, subtotal in total.by_cadre:
            yield from _write_total_rows(total.currency, subtotal, cadre)
        yield from _write_total_rows(total.currency, total.whole, "tous")
    for notice in NOTICES:
        yield (notice,)


def _write_total_rows(currency: str, subtotal: Subtotal, cadre: str) -> Iterator[Row]:
    yield _write_total_row("Total", currency, subtotal.every, cadre)
    yield _write_total_row("Total hors refus et rejets", currency, subtotal.kept, cadre)
    if subtotal.avoirs.count:
        yield _write_total_row("Dont avoirs", currency, subtotal.avoirs, cadre)


def _write_total_row(label: str, currency: str, total: Sum, cadre: str) -> Row:
    amounts = total.amounts
    pieces = f"{total.count} pièce{'s' if total.count > 1 else ''}"
    return (
        label,
        pieces,
        cadre,
        label_cadre(cadre),
        *(None,) * 4,
        currency,
        amounts.ht,
        amounts.tva,
        amounts.ttc,
        amounts.due,
    )
