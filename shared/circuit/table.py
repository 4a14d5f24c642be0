"""Circuit table in memory: which piece follows which, from whom and to whom."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum

from shared.circuit.delays import Delay
from shared.vocabulary.cadres import Cadre
from shared.vocabulary.roles import Application, Role, SentApplication


def find_application(role: Role) -> Application:
    """Find the application of a role: "factures reçues" for the service financier only."""
    if role is Role.SERVICE_FINANCIER:
        return Application.FACTURES_RECUES
    return Application.FACTURES_DE_TRAVAUX


class Phase(StrEnum):
    """Phase of the marché when a dossier opens."""

    EN_COURS = "en_cours"
    FIN = "fin"


class Confidence(StrEnum):
    """Confidence in a row: stated by the portal's makers, shown in their webinar, or ours."""

    OFFICIELLE = "officielle"
    WEBINAIRE = "webinaire"
    PLATEFORME = "plateforme"


@dataclass(frozen=True, slots=True)
class Row:
    """Row of the circuit: the way of a piece of one cadre, in a dossier with or without a MOA."""

    cadre: Cadre
    moa_present: bool
    api_code: str
    label: str
    depositor: Role
    piece_type: str
    phase: Phase
    is_opener: bool
    validator: Role | None
    """Role that validates the piece of a co- or subcontractor before its recipient acts."""
    recipient: Role
    informed: tuple[Role, ...]
    """Roles that get the piece too, for information."""
    followers: tuple[Cadre, ...]
    followers_if_contested: tuple[Cadre, ...]
    """When not empty, the recipient may contest; the depositor then answers with one of these."""
    amounts_prevail: bool
    """Whether the piece states the amounts to be paid: see `shared.circuit.amounts`."""
    source: str
    confidence: Confidence
    tacit_followers: tuple[Cadre, ...] = ()
    """Cadres that may be deposited when the recipient's delay has passed in silence."""
    replaces: tuple[Cadre, ...] = ()
    """Cadres that this one may replace, when their recipient is late."""
    depositor_application: SentApplication = SentApplication.FACTURES_DE_TRAVAUX
    """Application in which the depositor finds the piece that it sent."""

    @property
    def first_recipient(self) -> Role:
        """Role that receives the piece when it is deposited: the validator, or the recipient."""
        return self.validator or self.recipient

    @property
    def is_final(self) -> bool:
        """Whether the piece ends its dossier: the service financier has to pay it."""
        return self.recipient is Role.SERVICE_FINANCIER

    @property
    def is_settlement(self) -> bool:
        """Whether the depositor issues the piece as its own invoice, to settle other dossiers."""
        return self.depositor_application is SentApplication.FACTURES_EMISES

    @property
    def application(self) -> Application:
        """Application in which the recipient finds the piece."""
        return find_application(self.recipient)


@dataclass(frozen=True, slots=True)
class Circuit:
    """One version of the circuit table. `shared.circuit.loader` builds it and checks it."""

    version: str
    rows: tuple[Row, ...]
    delays: tuple[Delay, ...] = ()
    _by_key: dict[tuple[Cadre, bool], Row] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Build the index of the rows: routing looks one up for every piece."""
        index = {(row.cadre, row.moa_present): row for row in self.rows}
        object.__setattr__(self, "_by_key", index)

    def find_row(self, cadre: Cadre, *, moa: bool) -> Row | None:
        """Find the row of a cadre, in a dossier with (`moa`) or without a MOA; None without one."""
        return self._by_key.get((cadre, moa))

    def __getitem__(self, key: tuple[Cadre, bool]) -> Row:
        """Get the row of a cadre that is known to have one, with (True) or without a MOA."""
        return self._by_key[key]

    def find_delay(self, cadre: Cadre, role: Role) -> Delay | None:
        """Find the delay of a role on a piece of a cadre; None when there is none."""
        found = (each for each in self.delays if cadre in each.cadres and each.role is role)
        return next(found, None)

    def has_cadre(self, cadre: Cadre) -> bool:
        """Tell whether a cadre has a row, with or without a MOA."""
        return (cadre, True) in self._by_key or (cadre, False) in self._by_key

    def list_openers(self, role: Role, *, moa: bool = True) -> tuple[Cadre, ...]:
        """List the cadres by which a role may open a dossier."""
        return tuple(
            row.cadre
            for row in self.rows
            if row.is_opener and row.depositor is role and row.moa_present is moa
        )

    def list_next_rows(self, previous: Row, *, contested: bool = False) -> tuple[Row, ...]:
        """List the rows of the pieces that may follow a piece, whoever deposits them."""
        cadres = previous.followers_if_contested if contested else previous.followers
        return tuple(self[cadre, previous.moa_present] for cadre in cadres)

    def list_replacing_rows(self, previous: Row) -> tuple[Row, ...]:
        """List the rows of the pieces that may replace a piece when its recipient is late."""
        return tuple(
            row
            for row in self.rows
            if previous.cadre in row.replaces and row.moa_present is previous.moa_present
        )

    def list_tacit_rows(self, previous: Row) -> tuple[Row, ...]:
        """List the rows of the pieces that may follow a piece left without an answer."""
        return tuple(self[cadre, previous.moa_present] for cadre in previous.tacit_followers)

    def list_every_next(self, row: Row) -> tuple[Row, ...]:
        """List the rows of every piece that may follow a piece, in all cases."""
        return (
            *self.list_next_rows(row),
            *self.list_next_rows(row, contested=True),
            *self.list_tacit_rows(row),
            *self.list_replacing_rows(row),
        )

    def find_reached(self) -> frozenset[Row]:
        """Find the rows that can be reached from an opener, the openers included."""
        return self._find_reachable(row for row in self.rows if row.is_opener)

    def list_followers(
        self, previous: Row, by: Role, *, contested: bool = False
    ) -> tuple[Cadre, ...]:
        """List the cadres that a role may deposit after a piece."""
        rows = self.list_next_rows(previous, contested=contested)
        return tuple(row.cadre for row in rows if row.depositor is by)

    def find_roles_ahead(self, row: Row) -> frozenset[Role]:
        """Find the roles that a dossier may need from a piece on: each must be named."""
        return frozenset(_list_roles(self._find_reachable([row])))

    def find_correctable_roles(self, row: Row) -> frozenset[Role]:
        """Find the roles whose structure a recycling of a piece may correct: those ahead of it."""
        return self.find_roles_ahead(row) - {row.depositor, row.validator}

    def _find_reachable(self, rows: Iterable[Row]) -> frozenset[Row]:
        found: set[Row] = set()
        waiting = [*rows]
        while waiting:
            row = waiting.pop()
            if row not in found:
                found.add(row)
                waiting += self.list_every_next(row)
        return frozenset(found)


def list_awaited(rows: Iterable[Row]) -> frozenset[tuple[Cadre, Role]]:
    """Find every cadre and role that a dossier may wait for, and so may have a delay."""
    return frozenset((row.cadre, role) for row in rows for role in _list_awaited_roles(row))


def _list_awaited_roles(row: Row) -> Iterable[Role]:
    yield row.recipient
    if row.validator:
        yield row.validator
    if row.followers_if_contested:
        yield row.depositor


def _list_roles(rows: Iterable[Row]) -> Iterable[Role]:
    for row in rows:
        yield row.recipient
        yield from row.informed
        if row.validator:
            yield row.validator
