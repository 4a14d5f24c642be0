"""How much of a deposited file is read before it is refused."""

from dataclasses import dataclass

_MEGABYTE = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Limits:
    """Sizes in bytes, and how many `<` and `=` an XML may hold (see `xml_tree`)."""

    xml_bytes: int = 10 * _MEGABYTE
    pdf_bytes: int = 20 * _MEGABYTE
    embedded_bytes: int = 10 * _MEGABYTE
    xml_marks: int = 500_000


DEFAULT_LIMITS = Limits()
