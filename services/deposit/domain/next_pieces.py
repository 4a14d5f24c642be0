"""Judgement of a piece that follows another one."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from services.deposit.domain import rules
from services.deposit.domain.piece import Piece
from services.deposit.domain.proposal import Proposal
from services.deposit.domain.structures import judge_named, judge_required
from services.deposit.domain.turns import DossierState, judge_turn
from shared.circuit.amounts import Previous, judge_carried, judge_currency
from shared.circuit.cadres import find_deposit_act, judge_following
from shared.circuit.loader import load_version
from shared.circuit.parties import Directory, Parties
from shared.circuit.statuses import Act
from shared.circuit.table import Circuit, Row
from shared.circuit.turns import Turn
from shared.vocabulary.cadres import Cadre
from shared.vocabulary.piece_numbers import build_number_key
from shared.vocabulary.roles import Role
from shared.vocabulary.rules import Violation

PIECES_MAX = 200
"""Limit of the pieces of one dossier, rejected ones included: one event holds them all."""


@dataclass(frozen=True, slots=True)
class FollowedPiece:
    """The piece that is followed, and the state of its dossier as routing published it.

    `state` is None while routing has not taken every piece deposited in the dossier.
    """

    piece: Piece
    state: DossierState | None

    @property
    def parties(self) -> Parties:
        """Parties of the dossier, which a recycling may have corrected since the deposit."""
        return self.state.parties if self.state else self.piece.draft.parties

    @property
    def engagement(self) -> str | None:
        """Engagement of the piece, which a recycling may correct but never remove."""
        corrected = self.state.engagements.get(self.piece.id) if self.state else None
        return corrected or self.piece.draft.engagement

    @property
    def mandant(self) -> str | None:
        """Mandant of the dossier, for which its MOA acts under a mandate."""
        return (self.state.mandant if self.state else None) or self.piece.draft.mandant

    @property
    def marche(self) -> str | None:
        """Number of the marché of the dossier, when one of its pieces states it."""
        return (self.state.marche if self.state else None) or self.piece.draft.marche

    def list_cadres(self, role: Role, structure: str) -> tuple[Cadre, ...]:
        """List the cadres that a structure may deposit after the piece now."""
        awaited = self.state.awaited if self.state else None
        turn = awaited.find_turn(role, structure) if awaited else None
        is_awaited = awaited is not None and awaited.piece_id == self.piece.id
        return turn.cadres if turn and is_awaited else ()

    def find_row(self, circuit: Circuit) -> Row:
        """Find the row of the circuit for the piece that is followed."""
        return circuit[self.piece.draft.cadre, self.parties.moa is not None]

    def find_correctable_roles(self) -> frozenset[Role]:
        """Find the roles whose structure a recycling of the piece may correct."""
        circuit = load_version(self.piece.draft.table_version)
        return circuit.find_correctable_roles(self.find_row(circuit))


def judge_next(
    circuit: Circuit,
    proposal: Proposal,
    following: FollowedPiece,
    parties: Parties,
    directory: Directory,
    today: date,
    level: int,
) -> Iterator[Violation]:
    """Check whose turn it is, the cadre, the depositor, and what the recipient requires.

    The MOA parameter is not judged here: it was at the opening, and routing holds a dossier that
    contradicts it since.
    """
    role, fields, previous = proposal.role, proposal.fields, following.piece.draft
    yield from _judge_state(circuit, proposal, following, level)
    party = parties.of(role)
    if party:
        yield from judge_named(role, party, directory, proposal.read)
    row = fields.cadre and circuit.find_row(fields.cadre, moa=parties.moa is not None)
    if isinstance(row, Row):
        yield from judge_required(row.first_recipient, parties, directory, fields.engagement, today)
        before = Previous(
            following.find_row(circuit), previous.number, previous.amounts, previous.type_code
        )
        kind = fields.type_code or previous.type_code
        yield from judge_carried(row, fields, kind, before)
    yield from judge_currency(fields.currency, previous.currency, rules.CURRENCY_CHANGED)
    cited = {build_number_key(number) for number in proposal.read.preceding_numbers}
    if cited and build_number_key(previous.number) not in cited:
        yield rules.CONTRADICTS_FILE.build_violation(
            "follows",
            label="la pièce précédente",
            said=previous.number,
            read=", ".join(sorted(cited))[:40],
        )


def _judge_state(
    circuit: Circuit, proposal: Proposal, following: FollowedPiece, level: int
) -> Iterator[Violation]:
    state, piece = following.state, following.piece
    if state is None:
        yield rules.DOSSIER_ON_ITS_WAY.build_violation("follows")
        return
    if (count := len(state.statuses)) >= PIECES_MAX:
        yield rules.DOSSIER_FULL.build_violation("follows", count=count, limit=PIECES_MAX)
    cadre, row = proposal.fields.cadre, following.find_row(circuit)
    act = find_deposit_act(circuit, cadre, row) if cadre else Act.DEPOSER_SUITE
    turn = judge_turn(
        state, piece, row, proposal.role, proposal.structure, act, level, field="follows"
    )
    if isinstance(turn, Violation):
        yield turn
    if cadre:
        allowed = turn.cadres if isinstance(turn, Turn) else row.followers
        yield from judge_following(circuit, cadre, proposal.role, row, allowed)
