"""Base model of what HTTP routes answer."""

from pydantic import BaseModel, ConfigDict


class Answer(BaseModel):
    """An HTTP answer, or a part of one; read from the attributes of objects of the domain."""

    model_config = ConfigDict(frozen=True, from_attributes=True)
