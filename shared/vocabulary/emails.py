"""E-mail addresses: their form."""

import re

from shared.vocabulary.texts import is_showable

_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~\-\u0080-\U0010ffff]+"
_SIGN = r"[A-Za-z0-9\u0080-\U0010ffff]"
_LABEL = rf"{_SIGN}(?:(?:{_SIGN}|-){{0,61}}{_SIGN})?"
_EMAIL = re.compile(rf"(?!.*=\?){_ATOM}(?:\.{_ATOM})*@{_LABEL}(?:\.{_LABEL})+")
"""A dot-atom (RFC 5322, 3.2.3) and labels of a name, in ASCII or beyond (RFC 6531). `=?` begins an
encoded word (RFC 2047), and readers of a header would find another address in it."""
_MAILBOX = re.compile(r"[^@\s<>\"(),;:\\]+@[^@\s<>\"(),;:\\]+\.[^@\s<>\"(),;:\\.]+")
EMAIL_LIMIT = 254
"""Length limit of an e-mail address (RFC 5321, 4.5.3.1.3, less its brackets)."""


def is_email(text: str) -> bool:
    """Tell whether a text has the form of an e-mail address that can be shown."""
    return is_one_mailbox(text) and bool(_EMAIL.fullmatch(text))


def is_one_mailbox(text: str) -> bool:
    """Tell whether a text could be one e-mail address, and adds nothing to a header.

    Wider than `is_email`, for addresses that were stored when their form was judged by this alone.
    """
    is_printable = text.isprintable() and is_showable(text)
    return len(text) <= EMAIL_LIMIT and is_printable and bool(_MAILBOX.fullmatch(text))
