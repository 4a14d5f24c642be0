"""The SIRET, a French establishment's number: 14 digits, the last one a key."""

_LA_POSTE = "356000000"
_LA_POSTE_HEAD_OFFICE = "35600000000048"


def is_siret(text: str) -> bool:
    """Tell whether `text` is 14 digits whose key is right.

    The key is Luhn's; establishments of La Poste other than its head office use the digit sum
    modulo 5 instead (INSEE, key of the SIRET).
    """
    if len(text) != 14 or not (text.isascii() and text.isdigit()):  # noqa: PLR2004
        return False
    digits = [int(digit) for digit in text]
    if text.startswith(_LA_POSTE) and text != _LA_POSTE_HEAD_OFFICE:
        return sum(digits) % 5 == 0
    doubled = (digit * 2 for digit in digits[::2])
    return (sum(digits[1::2]) + sum(d - 9 if d > 9 else d for d in doubled)) % 10 == 0  # noqa: PLR2004
