"""When two numbers of pieces are the same number."""


def number_key(number: str) -> str:
    """Give what makes a number unique among those of its depositor: case and blanks do not."""
    return number.strip().upper()
