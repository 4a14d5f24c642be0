"""SIREN of a French company (9 digits) and SIRET of its establishment (14): check their keys."""

_LA_POSTE = "356000000"
_LA_POSTE_HEAD_OFFICE = "35600000000048"
SIREN_LENGTH = 9
SIRET_LENGTH = 14


def is_siren(text: str) -> bool:
    """Tell whether `text` is a SIREN: 9 digits with a correct key (INSEE, Luhn's key)."""
    return len(text) == SIREN_LENGTH and _is_digits(text) and _compute_luhn_sum(text) % 10 == 0


def is_siret(text: str) -> bool:
    """Tell whether `text` is a SIRET: 14 digits with a correct key.

    The key is Luhn's; establishments of La Poste other than its head office use the digit sum
    modulo 5 instead (INSEE, key of the SIRET).
    """
    if not has_siret_form(text):
        return False
    if text.startswith(_LA_POSTE) and text != _LA_POSTE_HEAD_OFFICE:
        return sum(map(int, text)) % 5 == 0
    return _compute_luhn_sum(text) % 10 == 0


def has_siret_form(text: str) -> bool:
    """Tell whether `text` is 14 digits, so meant as a SIRET, whatever its key."""
    return len(text) == SIRET_LENGTH and _is_digits(text)


def _is_digits(text: str) -> bool:
    return text.isascii() and text.isdigit()


def _compute_luhn_sum(text: str) -> int:
    """Compute Luhn's sum: every second digit from the right is doubled, its digits are added."""
    digits = [int(digit) for digit in reversed(text)]
    doubled = (digit * 2 for digit in digits[1::2])
    return sum(digits[::2]) + sum(d - 9 if d > 9 else d for d in doubled)  # noqa: PLR2004
