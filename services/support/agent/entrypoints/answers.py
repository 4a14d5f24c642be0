"""The prefilled ticket that a conversation becomes, as an answer."""

from pydantic import Field

from services.support.desks.entrypoints.bodies import Shown


class PrefillAnswer(Shown):
    """What a ticket begins with: the body of POST /tickets."""

    title: str
    description: str
    sub_category: str | None = Field(description="Suggérée ; c'est la vôtre qui compte.")
    piece: str | None
