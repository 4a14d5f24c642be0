"""Type of every text that somebody types: cleaned, with a length limit, without hidden signs."""

from dataclasses import dataclass
from typing import Any

from pydantic import GetCoreSchemaHandler
from pydantic_core import CoreSchema, PydanticCustomError
from pydantic_core.core_schema import no_info_before_validator_function, str_schema

from shared.vocabulary.texts import clean, fold, is_showable

UNSHOWABLE = "unshowable"
"""Error kind of a text with a character that cannot be shown: rule CIR-CHAMP-05 over HTTP."""
_SHRINKS = 8
"""Length limit before cleaning, as a multiple of `max_length`: cleaning makes a text shorter."""
_GROWS = 2
"""Length limit of the folded text, as a multiple of `max_length`: folding makes a text longer."""


@dataclass(frozen=True, slots=True)
class TypedText:
    """Constraint of a typed text, as in `Annotated[str, TypedText(200)]`.

    The text is cleaned first (NFC, one kind of blank, no invisible character); then its length
    counts. A character that cannot be shown is refused.
    """

    max_length: int
    min_length: int = 0
    lines: bool = False
    """The text may have several lines, and tabs."""
    searched: bool = False
    """The text is folded for a search, and must stay short: the store limits its patterns."""
    judged: bool = False
    """Hidden characters pass here: a rule of the domain refuses them, with all other faults."""

    def __get_pydantic_core_schema__(self, _: Any, __: GetCoreSchemaHandler) -> CoreSchema:  # noqa: ANN401 - whatever is annotated
        """Build the validator for pydantic."""
        return no_info_before_validator_function(
            self._read,
            str_schema(min_length=self.min_length or None, max_length=self.max_length, strict=True),
        )

    def _read(self, value: Any) -> Any:  # noqa: ANN401 - whatever JSON holds
        if not isinstance(value, str):
            return value
        if len(value) > _SHRINKS * self.max_length:
            raise self._build_too_long()
        text = clean(value)
        if self.searched and len(fold(text)) > _GROWS * self.max_length:
            raise self._build_too_long()
        if not self.judged and not is_showable(text, lines=self.lines):
            raise PydanticCustomError(UNSHOWABLE, "a sign that no screen shows")
        return text

    def _build_too_long(self) -> PydanticCustomError:
        return PydanticCustomError(
            "string_too_long", "too long a text", {"max_length": self.max_length}
        )
