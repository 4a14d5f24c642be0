"""A conversation with the virtual agent: what was said, and the ticket that it may become."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from services.support.agent.domain.intents import TURNS_LIMIT, Kind
from services.support.desks.domain.parties import Asker
from services.support.desks.domain.texts import TEXT_LIMIT, TITLE_LIMIT
from shared.vocabulary.texts import plain

_CUT = "[…]\n"
_UNANSWERED = frozenset({Kind.UNSURE, Kind.PIECE_NOT_FOUND, Kind.NO_ACCOUNT, Kind.PORTAL_AWAY})


@dataclass(frozen=True, slots=True)
class Citation:
    """Where an answer was taken from."""

    code: str
    title: str
    heading: str


@dataclass(frozen=True, slots=True)
class Turn:
    """A message and the answer to it."""

    at: datetime
    message: str
    kind: Kind
    answer: str
    citation: Citation | None = None
    related: tuple[Citation, ...] = ()
    sub_category: str | None = None
    """Of the ticket that it leads to."""
    piece: str | None = None
    """Number of the piece that it is about."""
    email: str | None = None
    """Address of the account for which an activation link is to be asked, or was."""


@dataclass(frozen=True, slots=True)
class Conversation:
    """All that was said, in order."""

    id: str
    started_at: datetime
    asker: Asker | None = None
    """None without an account."""
    turns: tuple[Turn, ...] = ()
    activation_asked: bool = False
    """A request for an activation link was passed on: once a conversation."""

    @property
    def is_full(self) -> bool:
        """Whether it takes no more."""
        return len(self.turns) >= TURNS_LIMIT

    @property
    def awaits_email(self) -> bool:
        """Whether the agent just asked for the address of an account."""
        return bool(self.turns) and self.turns[-1].kind is Kind.ACTIVATION_ASKS

    @property
    def unconfirmed(self) -> str | None:
        """The address for which the agent just asked whether to pass a request on."""
        if self.turns and self.turns[-1].kind is Kind.ACTIVATION_CONFIRMS:
            return self.turns[-1].email
        return None

    def with_turn(self, turn: Turn) -> "Conversation":
        """Add a turn."""
        is_asked = self.activation_asked or turn.kind is Kind.ACTIVATION_PASSED
        return replace(self, turns=(*self.turns, turn), activation_asked=is_asked)


@dataclass(frozen=True, slots=True)
class Prefill:
    """What a ticket begins with: its issuer may change all of it."""

    title: str
    description: str
    sub_category: str | None
    piece: str | None


def prefilled(turns: Sequence[Turn]) -> Prefill:
    """Make a ticket of what was said: about the last question that had no answer, if any had none.

    A piece that was not found is named only where that question is the one about it.
    """
    unanswered = next((turn for turn in reversed(turns) if turn.kind in _UNANSWERED), None)
    telling = [turn for turn in turns if turn.kind is not Kind.GREETING] or turns
    subject = [unanswered] if unanswered else telling
    of_subject = [unanswered] if unanswered else turns
    found = [turn for turn in turns if turn.kind is Kind.PIECE]
    return Prefill(
        title=as_title(subject[0].message if subject else ""),
        description=as_description(
            f"Vous : {turn.message}\nAgent virtuel : {turn.answer}\n" for turn in turns
        ),
        sub_category=next((t.sub_category for t in reversed(of_subject) if t.sub_category), None),
        piece=next((turn.piece for turn in reversed([*found, *of_subject]) if turn.piece), None),
    )


def as_title(text: str) -> str:
    """Make a text a title, cut where it is too long."""
    title = " ".join(plain(text).split())
    return title if len(title) <= TITLE_LIMIT else f"{title[: TITLE_LIMIT - 1]}…"


def as_description(told: Iterable[str]) -> str:
    """Write what was said, the latest in any case."""
    whole = "\n".join(told).strip()
    if len(whole) <= TEXT_LIMIT:
        return whole
    return _CUT + whole[len(_CUT) - TEXT_LIMIT :]
