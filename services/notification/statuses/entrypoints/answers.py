"""Answers of the history: a status as every channel shows it."""

from datetime import datetime
from typing import Self

from pydantic import Field

from services.notification.statuses.application.history import MarkedEntry, Page
from services.notification.statuses.domain.entry import Entry
from shared.answers.answer import Answer
from shared.answers.pieces import ActorAnswer, StatusAnswer, StructureAnswer
from shared.circuit.labels import label_cadre
from shared.circuit.motives import find_motive_label
from shared.vocabulary.labels import STATUSES
from shared.vocabulary.roles import Role


class HistoryEntryAnswer(StatusAnswer):
    """A status that a piece took."""

    sequence: int = Field(description="Rang parmi les statuts du dossier ; « id » dans le flux.")
    at: datetime
    by: ActorAnswer | None = Field(description="Qui a agi ; absent quand c'est la plateforme.")
    motive: str | None
    motive_label: str | None
    comment: str | None
    parties: dict[Role, StructureAnswer] = Field(
        description="Les parties du dossier d'alors, par rôle."
    )
    marche: str | None = Field(
        description="Le numéro du marché, quand la pièce qui a ouvert le dossier l'indique."
    )

    @classmethod
    def of(cls, entry: Entry) -> Self:
        """Show a status."""
        return cls(
            sequence=entry.sequence,
            dossier_id=entry.dossier_id,
            piece_id=entry.piece_id,
            cadre=entry.cadre,
            cadre_label=label_cadre(entry.cadre),
            number=entry.number,
            status=entry.status,
            status_label=STATUSES[entry.status],
            at=entry.at,
            by=ActorAnswer.of_actor(entry.by) if entry.by else None,
            motive=entry.motive,
            motive_label=find_motive_label(entry.motive) if entry.motive else None,
            comment=entry.comment,
            parties={
                each.role: StructureAnswer(structure=each.structure) for each in entry.parties
            },
            marche=entry.marche,
        )


class HistoryAnswer(Answer):
    """The statuses of a dossier or of a piece, oldest first."""

    statuses: list[HistoryEntryAnswer]


class MarkedEntryAnswer(HistoryEntryAnswer):
    """A status with its mark."""

    mark: int = Field(description="Sa place dans la lecture par repère.")

    @classmethod
    def of_marked(cls, marked: MarkedEntry) -> Self:
        """Show a status with its mark."""
        return cls(**HistoryEntryAnswer.of(marked.entry).model_dump(), mark=marked.mark)


class PageAnswer(Answer):
    """Statuses after a mark, in the order of marks."""

    statuses: list[MarkedEntryAnswer]
    mark: int = Field(
        description="Le repère à donner à « after » la fois suivante. À ce repère ou avant lui, "
        "rien n'apparaîtra plus jamais."
    )
    has_more: bool = Field(description="S'il y en a d'autres dès maintenant.")

    @classmethod
    def of(cls, page: Page) -> Self:
        """Show a page."""
        return cls(
            statuses=[MarkedEntryAnswer.of_marked(each) for each in page.entries],
            mark=page.mark,
            has_more=page.has_more,
        )
