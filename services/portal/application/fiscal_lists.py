"""Use case of the fiscal list: its totals and its table, from one read of the pieces."""

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from services.portal.application.ports import Pieces, Row, Structures, Table
from services.portal.application.searches import list_structures
from services.portal.domain.criteria import Range
from services.portal.domain.fiscal import (
    Section,
    Subtotal,
    Sum,
    Totals,
    find_counted,
    is_refused,
)
from services.portal.domain.piece import Piece
from shared.circuit.labels import label_cadre
from shared.vocabulary.actors import Actor
from shared.vocabulary.amounts import Amounts
from shared.vocabulary.dates import find_paris_day
from shared.vocabulary.labels import ROLES, STATUSES
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
RECEIVED_HEADERS = (
    *HEADERS,
    "Montants arrêtés",
    "HT énoncé",
    "TVA énoncée",
    "TTC énoncé",
    "Net à payer énoncé",
    "Rôle du déposant",
    "Déposant",
    "Nom du déposant",
    "Code service",
)
"""Headings of what was received: its amounts are those that prevail, then those that it states."""
_NOTICE_OF_REPEATS = (
    "Les pièces d'un dossier reprennent les montants les unes des autres : les totaux par cadre "
    "sont à préférer au total général."
)
_NOTICE_OF_AVOIRS = (
    "Un avoir vient en déduction : ses montants sont ici négatifs, quel que soit leur signe dans "
    "la pièce."
)
_NOTICE_OF_PREVAILING = (
    "Une pièce reçue compte pour les montants qui prévalent dans son dossier, une pièce refusée ou "
    "rejetée pour ceux qu'elle énonce. Ce qui est envoyé et ce qui est reçu ne s'additionnent pas."
)
NOTICES = (_NOTICE_OF_REPEATS, _NOTICE_OF_AVOIRS)
RECEIVED_NOTICES = (*NOTICES, _NOTICE_OF_PREVAILING)
_NAMED = (Role.TITULAIRE, Role.MOA, Role.SERVICE_FINANCIER)


@dataclass(frozen=True, slots=True)
class _Layout:
    """Layout of the table of a section: its title, headings, labels of totals and notices."""

    title: str
    headers: Row
    total_labels: tuple[str, str, str]
    """Labels of all pieces, of those neither refused nor rejected, and of the avoirs among them."""
    notices: Sequence[str]


_LAYOUTS = {
    Section.SENT: _Layout(
        title="Pièces",
        headers=HEADERS,
        total_labels=("Total", "Total hors refus et rejets", "Dont avoirs"),
        notices=NOTICES,
    ),
    Section.RECEIVED: _Layout(
        title="Pièces reçues",
        headers=RECEIVED_HEADERS,
        total_labels=("Total reçu", "Total reçu hors refus et rejets", "Dont avoirs reçus"),
        notices=RECEIVED_NOTICES,
    ),
}


@dataclass(frozen=True, slots=True)
class FiscalTotals:
    """Totals of both sections of a fiscal list."""

    sent: Totals
    received: Totals


class FiscalLists:
    """Fiscal lists of what a structure sent, and of what it received."""

    def __init__(self, pieces: Pieces, structures: Structures) -> None:
        """Use these ports."""
        self._pieces = pieces
        self._structures = structures

    async def add_up(self, viewer: Actor, period: Range[date]) -> FiscalTotals:
        """Add up the pieces deposited in a period, by section."""
        totals = FiscalTotals(Totals(Section.SENT), Totals(Section.RECEIVED))
        for each in (totals.sent, totals.received):
            async for pieces in self._list(viewer, period, each.section):
                for piece in pieces:
                    each.add(piece, viewer.role)
        return totals

    def list_tables(self, viewer: Actor, period: Range[date]) -> Sequence[Table]:
        """List the tables of a file, one a section.

        The rows of a table are its headings, a row for each piece, then its totals and notices; a
        file that was cut lacks them.
        """
        return tuple(
            Table(layout.title, self._list_rows(viewer, period, section))
            for section, layout in _LAYOUTS.items()
        )

    def _list(
        self, viewer: Actor, period: Range[date], section: Section
    ) -> AsyncIterator[Sequence[Piece]]:
        if section is Section.SENT:
            return self._pieces.list_sent(viewer, period)
        return self._pieces.list_received(viewer, period)

    async def _list_rows(
        self, viewer: Actor, period: Range[date], section: Section
    ) -> AsyncIterator[Row]:
        yield _LAYOUTS[section].headers
        totals = Totals(section)
        async for pieces in self._list(viewer, period, section):
            names = await self._structures.find_names(list_structures(pieces))
            for piece in pieces:
                totals.add(piece, viewer.role)
                yield _write_row(piece, viewer.role, names, section)
        yield ()
        for row in _write_total_lines(totals):
            yield row


def _write_row(piece: Piece, role: Role, names: Mapping[str, str], section: Section) -> Row:
    state = piece.select_state(role)
    parties = [piece.parties.get(role) for role in _NAMED]
    counted = find_counted(piece, role, section)
    row = (
        find_paris_day(piece.deposited_at) if piece.deposited_at else None,
        piece.number,
        piece.cadre,
        label_cadre(piece.cadre),
        piece.issued_on,
        STATUSES[state.status],
        find_paris_day(state.status_at) if state.status_at else None,
        "oui" if is_refused(piece, role) else "non",
        piece.currency,
        *_write_amounts(counted.amounts if counted else None),
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
    return row if section is Section.SENT else (*row, *_write_received_cells(piece, role, names))


def _write_received_cells(piece: Piece, role: Role, names: Mapping[str, str]) -> Row:
    """Write what a piece that was received has beside one that was sent."""
    party = piece.parties.get(role)
    return (
        "oui" if piece.prevailing and piece.prevailing.is_settled else "non",
        *_write_amounts(piece.amounts),
        ROLES[piece.depositor.role],
        piece.depositor.structure,
        names.get(piece.depositor.structure),
        party.service if party else None,
    )


def _write_amounts(amounts: Amounts | None) -> Row:
    return (amounts.ht, amounts.tva, amounts.ttc, amounts.due) if amounts else (None,) * 4


def _write_total_lines(totals: Totals) -> Iterator[Row]:
    layout = _LAYOUTS[totals.section]
    for total in totals:
        for cadre, subtotal in total.by_cadre:
            yield from _write_total_rows(total.currency, subtotal, cadre, layout.total_labels)
        yield from _write_total_rows(total.currency, total.whole, "tous", layout.total_labels)
    for notice in layout.notices:
        yield (notice,)


def _write_total_rows(
    currency: str, subtotal: Subtotal, cadre: str, labels: tuple[str, str, str]
) -> Iterator[Row]:
    every, kept, avoirs = labels
    yield _write_total_row(every, currency, subtotal.every, cadre)
    yield _write_total_row(kept, currency, subtotal.kept, cadre)
    if subtotal.avoirs.count:
        yield _write_total_row(avoirs, currency, subtotal.avoirs, cadre)


def _write_total_row(label: str, currency: str, total: Sum, cadre: str) -> Row:
    pieces = f"{total.count} pièce{'s' if total.count > 1 else ''}"
    return (
        label,
        pieces,
        cadre,
        label_cadre(cadre),
        *(None,) * 4,
        currency,
        *_write_amounts(total.amounts),
    )
