"""Numbers of pieces: when two of them are the same number."""


def number_key(number: str) -> str:
    """Give the unique key of a number among its depositor's: case and outer blanks do not count."""
    return number.strip().upper()
