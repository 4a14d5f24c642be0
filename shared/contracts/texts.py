"""Wire type of every text that somebody types: plain, bounded, and nothing that no screen shows."""

from dataclasses import dataclass
from typing import Any

from pydantic import GetCoreSchemaHandler
from pydantic_core import CoreSchema, PydanticCustomError
from pydantic_core.core_schema import no_info_before_validator_function, str_schema

from shared.vocabulary.texts import clean, fold, is_showable

UNSHOWABLE = "unshowable"
"""Kind of the error of a text with a sign that no screen shows: rule CIR-CHAMP-05 over HTTP."""
_SHRINKS = 8
"""How many times shorter a text may become when it is made plain, beyond which it is not read."""
_GROWS = 2
"""How many times longer a text may become when it is folded for a search."""


@dataclass(frozen=True, slots=True)
class TypedText:
    """Constraint of a typed text, as in `Annotated[str, TypedText(200)]`.

    The text is made plain (NFC, one kind of blank, no invisible sign), and its length counts
    afterwards. A sign that no screen shows is refused.
    """

    max_length: int
    min_length: int = 0
    lines: bool = False
    """It may have several lines, and tabs."""
    searched: bool = False
    """It is compared folded, and must be short enough for that: the store bounds its patterns."""
    judged: bool = False
    """A rule of the domain refuses what no screen shows, beside all else that is wrong."""

    def __get_pydantic_core_schema__(self, _: Any, __: GetCoreSchemaHandler) -> CoreSchema:  # noqa: ANN401 - whatever is annotated
        """Validate by pydantic."""
        return no_info_before_validator_function(
            self._read,
            str_schema(min_length=self.min_length or None, max_length=self.max_length, strict=True),
        )

    def _read(self, value: Any) -> Any:  # noqa: ANN401 - whatever JSON holds
        if not isinstance(value, str):
            return value
        if len(value) > _SHRINKS * self.max_length:
            raise self._too_long()
        text = clean(value)
        if self.searched and len(fold(text)) > _GROWS * self.max_length:
            raise self._too_long()
        if not self.judged and not is_showable(text, lines=self.lines):
            raise PydanticCustomError(UNSHOWABLE, "a sign that no screen shows")
        return text

    def _too_long(self) -> PydanticCustomError:
        return PydanticCustomError(
            "string_too_long", "too long a text", {"max_length": self.max_length}
        )
