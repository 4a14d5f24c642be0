"""Size limits of deposited files."""

from dataclasses import dataclass

from shared.vocabulary.sizes import MEGABYTE


@dataclass(frozen=True, slots=True)
class Limits:
    """Sizes in bytes; `xml_marks` is how many `<` and `=` an XML may hold (see `xml_tree`).

    A PDF with a broken index is repaired up to `repaired_pdf_bytes` only: a repair reads all its
    objects, 0.3 s a megabyte on a hostile file.
    """

    xml_bytes: int = 10 * MEGABYTE
    pdf_bytes: int = 20 * MEGABYTE
    embedded_bytes: int = 10 * MEGABYTE
    repaired_pdf_bytes: int = 4 * MEGABYTE
    xml_marks: int = 500_000


DEFAULT_LIMITS = Limits()
