"""Base model of the requests of support, and the types of their texts."""

from typing import Annotated

from fastapi import Path
from pydantic import BaseModel, ConfigDict

from shared.contracts.texts import TypedText

Id = Annotated[str, TypedText(100), Path()]
Token = Annotated[str, TypedText(200)]
# Rules refuse a longer text with their own code, together with all other faults; these limits only
# bound how much is read.
Line = Annotated[str, TypedText(2000, judged=True)]
Text = Annotated[str, TypedText(100_000, lines=True, judged=True)]


class ClosedRequest(BaseModel):
    """Base model of requests; unknown fields are refused."""

    model_config = ConfigDict(extra="forbid")
