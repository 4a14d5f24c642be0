"""Bodies, queries and path parameters of the routes of sheets."""

from typing import Annotated

from fastapi import Path
from pydantic import BaseModel, ConfigDict, Field

from services.organisation.sheets.domain.sheets import (
    ACTORS_LIMIT,
    DAYS_LIMIT,
    DELAYS_LIMIT,
    LOTS_LIMIT,
    REQUIRED_LIMIT,
    Content,
    Lot,
)
from shared.circuit.sheets import SheetActor, SheetField, SheetRole
from shared.contracts.fields import VERSIONS_MAX, IsoDate
from shared.contracts.texts import TypedText

_PAGE_LIMIT = 200
_Code = Annotated[str, TypedText(100, min_length=1)]
_Title = Annotated[str, TypedText(200)]
_Days = Annotated[int, Field(strict=True)]
SheetId = Annotated[str, TypedText(100), Path(description="L'identifiant de la fiche.")]
VersionRank = Annotated[int, Path(ge=1, le=VERSIONS_MAX, description="La version, dès 1.")]


class _ClosedRequest(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class SheetActorRequest(_ClosedRequest):
    """An actor of a marché."""

    role: SheetRole
    structure: _Code = Field(description="SIRET, ou type-identifiant.")
    service: _Code | None = Field(default=None, description="Code de l'un de ses services.")
    lot: _Code | None = Field(default=None, description="Code d'un lot ; absent, tout le marché.")
    valid_from: IsoDate | None = Field(default=None, description="Premier jour, à Paris.")
    valid_until: IsoDate | None = Field(default=None, description="Dernier jour, à Paris.")


class LotRequest(_ClosedRequest):
    """A lot of a marché."""

    code: _Code
    title: _Title = ""


class SheetRequest(_ClosedRequest):
    """The whole sheet of a marché: what is left out is empty."""

    number: _Code = Field(description="Numéro du marché, tel que les pièces le portent.")
    title: _Title = Field(default="", description="Objet du marché.")
    actors: list[SheetActorRequest] = Field(default=[], max_length=ACTORS_LIMIT)
    lots: list[LotRequest] = Field(default=[], max_length=LOTS_LIMIT)
    delays: dict[_Code, _Days] = Field(
        default={},
        max_length=DELAYS_LIMIT,
        description="Délais auxquels les clauses du marché dérogent, par nom du délai du circuit : "
        f"en jours calendaires, de 1 à {DAYS_LIMIT}.",
        examples=[{"etat_acompte": 10}],
    )
    required: list[SheetField] = Field(
        default=[],
        max_length=REQUIRED_LIMIT,
        description="Champs que tout dépôt du marché doit donner.",
    )

    def to_domain(self) -> Content:
        """Convert to the domain; the order of delays and of required fields means nothing."""
        return Content(
            number=self.number,
            title=self.title,
            actors=tuple(SheetActor(**dict(each)) for each in self.actors),
            lots=tuple(Lot(each.code, each.title) for each in self.lots),
            delays=dict(sorted(self.delays.items())),
            required=tuple(each for each in SheetField if each in self.required),
        )


class SheetsQuery(_ClosedRequest):
    """Page of the sheets of a structure."""

    number: Annotated[str, TypedText(100)] | None = Field(
        default=None, description="Numéro du marché, sans égard à la casse."
    )
    after: Annotated[str, TypedText(100)] = ""
    limit: int = Field(default=50, ge=1, le=_PAGE_LIMIT)


class SheetVersionsQuery(_ClosedRequest):
    """Page of the versions of a sheet."""

    after: int = Field(default=0, ge=0, le=VERSIONS_MAX)
    limit: int = Field(default=50, ge=1, le=_PAGE_LIMIT)
