"""Conversation with the virtual agent: its turns, and the ticket that it prefills."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from services.support.access.domain.parties import Asker
from services.support.tickets.domain.prefill import Prefill, cut_title, join_description

MESSAGE_LIMIT = 1000
TURNS_LIMIT = 100
"""Limit of the turns of a conversation, which is one document of the store."""


class AnswerKind(StrEnum):
    """Kind of an answer, as the API names it."""

    GREETING = "accueil"
    ARTICLE = "article"
    PIECE = "piece"
    PIECE_NOT_FOUND = "piece_introuvable"
    NO_ACCOUNT = "sans_compte"
    PORTAL_AWAY = "portail_indisponible"
    ACTIVATION_ASKS = "activation_adresse"
    ACTIVATION_CONFIRMS = "activation_a_confirmer"
    ACTIVATION_DROPPED = "activation_abandonnee"
    ACTIVATION_PASSED = "activation_transmise"
    ACTIVATION_REFUSED = "activation_refusee"
    PERSON = "personne"
    TICKET = "ticket"
    UNSURE = "incertain"


KINDS_OFFERING_HELP = frozenset(AnswerKind) - {
    AnswerKind.GREETING,
    AnswerKind.ARTICLE,
    AnswerKind.PIECE,
    AnswerKind.ACTIVATION_ASKS,
    AnswerKind.ACTIVATION_CONFIRMS,
    AnswerKind.ACTIVATION_DROPPED,
    AnswerKind.ACTIVATION_PASSED,
}
"""Kinds of answers that do not help: a person and a ticket are offered beside them."""
_UNANSWERED = frozenset(
    {AnswerKind.UNSURE, AnswerKind.PIECE_NOT_FOUND, AnswerKind.NO_ACCOUNT, AnswerKind.PORTAL_AWAY}
)


@dataclass(frozen=True, slots=True)
class Citation:
    """Citation of an article: the source of an answer."""

    code: str
    title: str
    heading: str


@dataclass(frozen=True, slots=True)
class Turn:
    """One turn of a conversation: a message and the answer to it."""

    at: datetime
    message: str
    kind: AnswerKind
    answer: str
    citation: Citation | None = None
    related: tuple[Citation, ...] = ()
    sub_category: str | None = None
    """Sub-category of a ticket about it."""
    piece: str | None = None
    """Number of the piece that it is about."""
    email: str | None = None
    """E-mail address of the account for which an activation link is requested."""


@dataclass(frozen=True, slots=True)
class Conversation:
    """Conversation with the virtual agent: its turns, in order."""

    id: str
    started_at: datetime
    asker: Asker | None = None
    """None without an account."""
    turns: tuple[Turn, ...] = ()
    activation_asked: bool = False
    """Whether an activation link was requested; there is one request per conversation."""

    @property
    def is_full(self) -> bool:
        """Whether the limit of turns is reached."""
        return len(self.turns) >= TURNS_LIMIT

    @property
    def awaits_email(self) -> bool:
        """Whether the agent has just asked for the e-mail address of an account."""
        return bool(self.turns) and self.turns[-1].kind is AnswerKind.ACTIVATION_ASKS

    @property
    def unconfirmed(self) -> str | None:
        """The e-mail address that the agent has just asked to confirm; None otherwise."""
        if self.turns and self.turns[-1].kind is AnswerKind.ACTIVATION_CONFIRMS:
            return self.turns[-1].email
        return None

    def with_turn(self, turn: Turn) -> "Conversation":
        """Add a turn."""
        is_asked = self.activation_asked or turn.kind is AnswerKind.ACTIVATION_PASSED
        return replace(self, turns=(*self.turns, turn), activation_asked=is_asked)


def prefill_ticket(turns: Sequence[Turn]) -> Prefill:
    """Prefill a ticket from turns, about the last unanswered question if there is one.

    The number of a piece that was not found is kept only when that question is about it.
    """
    unanswered = next((turn for turn in reversed(turns) if turn.kind in _UNANSWERED), None)
    telling = [turn for turn in turns if turn.kind is not AnswerKind.GREETING] or turns
    subject = [unanswered] if unanswered else telling
    of_subject = [unanswered] if unanswered else turns
    found = [turn for turn in turns if turn.kind is AnswerKind.PIECE]
    return Prefill(
        title=cut_title(subject[0].message if subject else ""),
        description=join_description(
            f"Vous : {turn.message}\nAgent virtuel : {turn.answer}\n" for turn in turns
        ),
        sub_category=next((t.sub_category for t in reversed(of_subject) if t.sub_category), None),
        piece=next((turn.piece for turn in reversed([*found, *of_subject]) if turn.piece), None),
    )
