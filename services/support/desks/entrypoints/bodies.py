"""Base models of requests and answers, and the types of their texts."""

from typing import Annotated

from fastapi import Path
from pydantic import BaseModel, ConfigDict

from shared.contracts.texts import TypedText

Id = Annotated[str, TypedText(100), Path()]


# The rules have their own limits, and say them all at once; these bound what is looked at.
Line = Annotated[str, TypedText(2000, judged=True)]


Token = Annotated[str, TypedText(200)]


Text = Annotated[str, TypedText(100_000, lines=True, judged=True)]


class RequestBody(BaseModel):
    """Base model of requests; unknown fields are refused."""

    model_config = ConfigDict(extra="forbid")


class AnswerBody(BaseModel):
    """Base model of answers, read from the attributes of domain objects."""

    model_config = ConfigDict(from_attributes=True)
