"""What routing answers of the starts of delays: the moments of a dossier from which one runs."""

from datetime import datetime
from typing import Literal, Self

from pydantic import Field

from services.routing.domain.delay_starts import DelayStart
from services.routing.domain.dossier import Dossier
from shared.answers.answer import Answer
from shared.answers.pieces import ActorAnswer
from shared.circuit.delay_starts import NOTICE, StartMoment
from shared.vocabulary.actors import Actor


class StartedDelayAnswer(Answer):
    """A delay that a source makes run from a moment, and whose it is."""

    delay: str
    delay_label: str
    days: int
    actor: ActorAnswer = Field(description="De qui c'est le délai.")
    source: str


class DelayStartAnswer(Answer):
    """A moment of a piece from which a source makes delays run."""

    piece_id: str
    number: str
    moment: StartMoment
    moment_label: str
    at: datetime
    indicative: Literal[True] = True
    delays: tuple[StartedDelayAnswer, ...]

    @classmethod
    def of(cls, dossier: Dossier, start: DelayStart) -> Self:
        """Show a start of delays."""
        return cls(
            piece_id=start.piece.id,
            number=start.piece.number,
            moment=start.moment,
            moment_label=start.delays[0].delay.label,
            at=start.at,
            delays=tuple(
                StartedDelayAnswer(
                    delay=each.delay.delay,
                    delay_label=each.label,
                    days=each.days,
                    actor=ActorAnswer.of_actor(
                        Actor(each.delay.role, dossier.parties[each.delay.role].structure)
                    ),
                    source=each.delay.source,
                )
                for each in start.delays
            ),
        )


class DelayStartsAnswer(Answer):
    """Every moment of a dossier from which a source makes a delay run, oldest first."""

    notice: str = Field(default=NOTICE, description="À lire avant ces dates.")
    starts: tuple[DelayStartAnswer, ...]
