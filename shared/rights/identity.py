"""Identity of a principal on the bus and in read models: a SHA-256, so no e-mail travels."""

import hashlib
import unicodedata

from shared.rights.model import PrincipalKind


def normalise_email(email: str) -> str:
    """Normalise an e-mail address, so that one person has one: NFC, ASCII in lower case, stripped.

    Nothing else is folded: letters of other widths or scripts, and what follows a `+`, may be the
    address of another person at the same issuer.
    """
    composed = unicodedata.normalize("NFC", email).strip()
    return "".join(each.lower() if each.isascii() else each for each in composed)


def compute_identity(kind: PrincipalKind, name: str) -> str:
    """Compute the identity of a principal: SHA-256 of its kind and of its e-mail or client id."""
    stated = normalise_email(name) if kind is PrincipalKind.USER else name
    return hashlib.sha256(f"{kind}:{stated}".encode()).hexdigest()
