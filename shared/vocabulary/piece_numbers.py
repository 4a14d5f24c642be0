"""Piece numbers, and the unique key by which two of them are compared."""


def build_number_key(number: str) -> str:
    """Build the unique key of a piece number for its depositor: no case, no outer blanks."""
    return number.strip().upper()
