"""Queries and bodies of the routes of the log of deliveries."""

from typing import Annotated

from fastapi import Path
from pydantic import BaseModel, ConfigDict, Field

from shared.contracts.fields import Moment
from shared.contracts.texts import TypedText

PAGE, PAGE_LIMIT = 50, 200
_Id = Annotated[str, TypedText(100)]
DeliveryId = Annotated[_Id, Path(description="L'identifiant de l'envoi dans le journal.")]


class LogQuery(BaseModel):
    """A page of the log of deliveries."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    before: _Id | None = Field(default=None, description="« next » de la page précédente.")
    limit: int = Field(default=PAGE, ge=1, le=PAGE_LIMIT)


class ReplayRequest(BaseModel):
    """A past period, of which the statuses are sent again."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    since: Moment = Field(description="Le début de la période, inclus.")
    before: Moment = Field(description="Sa fin, exclue.")
