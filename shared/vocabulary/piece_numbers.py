"""Piece numbers: the unique key by which two of them are equal."""


def number_key(number: str) -> str:
    """Give the unique key of a number among its depositor's: case and outer blanks do not count."""
    return number.strip().upper()
