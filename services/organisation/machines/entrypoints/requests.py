"""Bodies of the routes of machines."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from shared.contracts.texts import TypedText

_SCOPES_MAX = 20
ScopeText = Annotated[str, TypedText(100, min_length=1, judged=True)]
Scopes = Annotated[
    list[ScopeText],
    Field(
        max_length=_SCOPES_MAX,
        description="Une application et un niveau, `factures_de_travaux:modification` ; "
        "les applications sont celles de `GET /organisation/v1/applications`.",
        examples=[["factures_de_travaux:modification"]],
    ),
]


class GrantRequest(BaseModel):
    """The scopes that a structure grants to a machine: the whole list."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    scopes: Scopes


class MachineRequest(GrantRequest):
    """A new machine."""

    name: Annotated[str, TypedText(100)] = Field(description="À quoi sert la machine.")
