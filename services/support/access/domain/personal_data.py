"""Personal data: a person, known by an e-mail address, found in texts and erased from them."""

import re
from dataclasses import dataclass
from functools import cached_property

from shared.rights.identity import normalise_email

ERASED = "[effacé]"
"""What stands in the place of a text that was erased."""
ERASED_ADDRESS = "efface@aiguillage.invalid"
"""What stands in the place of the address of an issuer: a ticket without account has one."""


@dataclass(frozen=True)
class Person:
    """Person whose data is exported or erased."""

    email: str

    def is_address(self, address: str | None) -> bool:
        """Tell whether an address is the person's."""
        return address is not None and normalise_email(address) == normalise_email(self.email)

    def is_in(self, *texts: str | None) -> bool:
        """Tell whether one of these texts mentions the address, whatever its case."""
        return any(self._pattern.search(each) for each in texts if each)

    def redact(self, text: str) -> str:
        """Replace the address wherever a text mentions it."""
        return self._pattern.sub(ERASED, text)

    @property
    def search(self) -> str:
        """Regular expression by which a store finds texts that may mention the address."""
        return re.escape(normalise_email(self.email))

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        # Not within a longer address: of another person, or of a longer domain.
        return re.compile(rf"(?<![\w.+'-]){self.search}(?!\.?[\w-])", re.IGNORECASE)
