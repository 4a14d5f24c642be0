"""What the routes of sheets answer."""

from datetime import datetime
from typing import Self

from pydantic import Field

from services.organisation.sheets.application.ports import Summary
from services.organisation.sheets.domain.sheets import Content, SheetVersion
from shared.answers.answer import Answer
from shared.circuit.sheets import SheetField, SheetRole
from shared.contracts.fields import IsoDate


class SheetActorAnswer(Answer):
    """An actor of a marché."""

    role: SheetRole
    structure: str
    service: str | None
    lot: str | None
    valid_from: IsoDate | None
    valid_until: IsoDate | None


class LotAnswer(Answer):
    """A lot of a marché."""

    code: str
    title: str


class SheetContentAnswer(Answer):
    """What a sheet says: the body by which it is replaced."""

    number: str
    title: str
    actors: list[SheetActorAnswer]
    lots: list[LotAnswer]
    delays: dict[str, int]
    required: list[SheetField]

    @classmethod
    def of(cls, content: Content) -> Self:
        """Show what a sheet says."""
        return cls(
            number=content.number,
            title=content.title,
            actors=[SheetActorAnswer.model_validate(each) for each in content.actors],
            lots=[LotAnswer.model_validate(each) for each in content.lots],
            delays=dict(content.delays),
            required=list(content.required),
        )


class SheetAnswer(Answer):
    """A sheet in one version."""

    sheet_id: str
    structure_id: str = Field(description="La maîtrise d'ouvrage dont c'est le marché.")
    version: int
    active: bool = Field(description="En service ; retirée, la fiche ne contrôle plus rien.")
    at: datetime = Field(description="Quand cette version a été écrite.")
    sheet: SheetContentAnswer = Field(
        description="Le contenu, tel que la création et le remplacement le prennent."
    )

    @classmethod
    def of(cls, sheet: SheetVersion) -> Self:
        """Show a sheet."""
        return cls(
            sheet_id=sheet.id,
            structure_id=sheet.moa,
            version=sheet.version,
            active=sheet.is_active,
            at=sheet.at,
            sheet=SheetContentAnswer.of(sheet.content),
        )


class SheetSummaryAnswer(Answer):
    """A sheet in a list, or one of its versions."""

    sheet_id: str
    version: int
    number: str
    title: str
    active: bool
    at: datetime

    @classmethod
    def of(cls, found: Summary) -> Self:
        """Show a line of a list."""
        return cls(
            sheet_id=found.id,
            version=found.version,
            number=found.number,
            title=found.title,
            active=found.is_active,
            at=found.at,
        )


class SheetsAnswer(Answer):
    """A page of the sheets of a structure, by id."""

    sheets: list[SheetSummaryAnswer]
    next: str | None = Field(description="À redonner dans `after` ; absent sur la dernière page.")


class SheetVersionsAnswer(Answer):
    """A page of the versions of a sheet, oldest first."""

    versions: list[SheetSummaryAnswer]
    next: int | None = Field(description="À redonner dans `after` ; absent sur la dernière page.")
