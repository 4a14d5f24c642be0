"""The judgement of a piece that follows another one."""

from collections.abc import Iterator
from dataclasses import dataclass

from services.deposit.domain import rules
from services.deposit.domain.numbers import number_key
from services.deposit.domain.piece import Piece
from services.deposit.domain.proposal import Proposal
from services.deposit.domain.structures import judge_named, judge_required
from services.deposit.domain.turns import DossierState, judge_turn
from shared.circuit.cadres import judge_following
from shared.circuit.parties import Directory, Parties
from shared.circuit.statuses import Act
from shared.circuit.table import Circuit, Row
from shared.vocabulary.rules import Violation
from shared.vocabulary.statuses import Status


@dataclass(frozen=True, slots=True)
class Following:
    """The piece that is followed, and what routing has told of its dossier.

    No state: routing has not taken every piece that was deposited in the dossier.
    """

    piece: Piece
    state: DossierState | None

    def row(self, circuit: Circuit) -> Row:
        """The row of the piece that is followed."""
        draft = self.piece.draft
        return circuit[draft.cadre, draft.parties.moa is not None]


def judge_next(
    circuit: Circuit,
    proposal: Proposal,
    following: Following,
    parties: Parties,
    directory: Directory,
) -> Iterator[Violation]:
    """Check whose turn it is, the cadre, the depositor, and what the recipient requires.

    The decision table of the MOA parameter was judged at the opening, and routing holds a dossier
    that has come to contradict it: a next piece is not refused for that.
    """
    role, fields, previous = proposal.role, proposal.fields, following.piece.draft
    yield from _judge_state(circuit, proposal, following)
    party = parties.of(role)
    if party:
        yield from judge_named(role, party, directory, proposal.read)
    row = fields.cadre and circuit.row(fields.cadre, moa=parties.moa is not None)
    if isinstance(row, Row):
        yield from judge_required(row.recipient, parties, directory, fields.engagement)
    if fields.currency and fields.currency != previous.currency:
        yield rules.CURRENCY_CHANGED.broken(
            "currency", now=fields.currency[:3], previous=previous.currency
        )
    cited = {number_key(number) for number in proposal.read.preceding_numbers}
    if cited and number_key(previous.number) not in cited:
        yield rules.CONTRADICTS_FILE.broken(
            "follows",
            label="la pièce précédente",
            said=previous.number,
            read=", ".join(sorted(cited))[:40],
        )


def _judge_state(circuit: Circuit, proposal: Proposal, following: Following) -> Iterator[Violation]:
    state, piece = following.state, following.piece
    if state is None:
        yield rules.DOSSIER_ON_ITS_WAY.broken("follows")
        return
    turn = judge_turn(
        state, piece, proposal.role, proposal.structure, Act.DEPOSER_SUITE, field="follows"
    )
    if turn:
        yield turn
    cadre = proposal.fields.cadre
    if cadre:
        contested = state.statuses[piece.id] is Status.CONTESTEE
        yield from judge_following(
            circuit, cadre, proposal.role, following.row(circuit), contested=contested
        )
