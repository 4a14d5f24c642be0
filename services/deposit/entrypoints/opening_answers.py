"""What the route of openings answers: an opener prefilled from the sheet of its marché."""

from datetime import date
from typing import Self

from services.deposit.domain.openings import Opening
from services.deposit.entrypoints.answer_parts import JudgedSheetAnswer
from shared.answers.answer import Answer
from shared.answers.pieces import CadreAnswer, PartyAnswer
from shared.circuit.sheets import SHEET_ROLES, SheetActor, SheetField, SheetRole
from shared.vocabulary.labels import ROLES

_SHEET_ROLES = {
    **{theirs: ROLES[ours] for ours, theirs in SHEET_ROLES.items()},
    SheetRole.MOA_DELEGUEE: "maîtrise d'ouvrage déléguée",
}


class LotAnswer(Answer):
    """A lot of a marché."""

    code: str
    title: str


class SheetActorAnswer(PartyAnswer):
    """An actor of a marché, as its sheet names it."""

    role: SheetRole
    role_label: str
    lot: str | None
    """The lot for which it acts; null for all."""
    valid_until: date | None
    """Last day of its validity; null without an end."""

    @classmethod
    def of_actor(cls, actor: SheetActor) -> Self:
        """Show an actor."""
        return cls(
            role=actor.role,
            role_label=_SHEET_ROLES[actor.role],
            structure=actor.structure,
            service=actor.service,
            lot=actor.lot,
            valid_until=actor.valid_until,
        )


class OpeningPartiesAnswer(Answer):
    """The parties of an opener of whom the sheet leaves no choice."""

    titulaire: PartyAnswer | None = None
    cotraitant: PartyAnswer | None = None
    sous_traitant: PartyAnswer | None = None
    moe: PartyAnswer | None = None
    moa: PartyAnswer | None = None
    service_financier: PartyAnswer | None = None


class OpeningFieldsAnswer(Answer):
    """The metadata to start from."""

    parties: OpeningPartiesAnswer
    marche: str
    mandant: str | None
    lot: str | None


class OpeningAnswer(Answer):
    """An opener, prefilled from the sheet of its marché.

    `fields` is metadata without number, date, cadre and amounts. `actors` are those valid today.
    """

    sheet: JudgedSheetAnswer
    title: str
    cadres: tuple[CadreAnswer, ...]
    """Cadres by which the caller may open a dossier."""
    lots: tuple[LotAnswer, ...]
    actors: tuple[SheetActorAnswer, ...]
    required: tuple[SheetField, ...]
    """Fields of the metadata that the sheet requires."""
    fields: OpeningFieldsAnswer

    @classmethod
    def of(cls, opening: Opening) -> Self:
        """Show a prefilled opener."""
        sheet = opening.sheet
        return cls(
            sheet=JudgedSheetAnswer(sheet_id=sheet.id, version=sheet.version),
            title=sheet.title,
            cadres=tuple(
                CadreAnswer(cadre=row.cadre, cadre_label=row.label) for row in opening.rows
            ),
            lots=tuple(LotAnswer(code=code, title=title) for code, title in sheet.lots.items()),
            actors=tuple(map(SheetActorAnswer.of_actor, opening.actors)),
            required=sheet.required,
            fields=OpeningFieldsAnswer(
                parties=OpeningPartiesAnswer(
                    **{role.value: PartyAnswer.of(each) for role, each in opening.parties.items()}
                ),
                marche=sheet.number,
                mandant=opening.mandant,
                lot=opening.lot,
            ),
        )
