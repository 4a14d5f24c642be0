"""Outgoing mail: one recipient, a subject of one line, a text, and the same in HTML if wanted."""

import re
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from shared.vocabulary.emails import is_one_mailbox
from shared.vocabulary.texts import is_showable

_SUBJECT_LIMIT = 200
_TEXT_LIMIT = 100_000
_HTML_LIMIT = 500_000
_URL_LIMIT = 900
"""Size limits of a subject, a text, its HTML and a URL, in characters. A line of a header has 998
(RFC 5322, 2.1.1), and a URL cannot be folded."""
_URL = re.compile(r"https?://[!#-;=?-Z_a-z~]+", re.ASCII)
"""Characters of a URL (RFC 3986) without those that could end the header: `<`, `>`, `"`, blanks."""
_LOOPBACK = frozenset({"127.0.0.1", "localhost"})


class MailError(ValueError):
    """A mail that is not queued: what it holds could make a header of its own, or is too long."""


@dataclass(frozen=True, slots=True)
class Mail:
    """An outgoing mail. Header injection is refused here: no line end in what headers hold."""

    to: str = field(repr=False)
    subject: str
    text: str = field(repr=False)
    entity: str | None = None
    """Whom it is about, such as a structure: named where a mail that is given up is recorded."""
    html: str | None = field(default=None, repr=False)
    """The same in HTML, for readers that show it; the text is for all others."""
    unsubscribe: str | None = field(default=None, repr=False)
    """URL to which a reader's unsubscribe button sends a POST (RFC 8058). It holds a token."""

    def __post_init__(self) -> None:
        """Raise MailError, which does not quote what it refuses."""
        if not is_one_mailbox(self.to):
            raise MailError("the recipient is no e-mail address")
        if not (0 < len(self.subject) <= _SUBJECT_LIMIT and is_showable(self.subject)):
            raise MailError("the subject is no line of text")
        if not _is_text(self.text, _TEXT_LIMIT):
            raise MailError("the text holds characters that cannot be shown, or is too long")
        if self.html is not None and not _is_text(self.html, _HTML_LIMIT):
            raise MailError("the HTML holds characters that cannot be shown, or is too long")
        if self.unsubscribe is not None and not is_secure_url(self.unsubscribe):
            raise MailError("the URL to unsubscribe is no https URL")


def is_secure_url(url: str) -> bool:
    """Tell whether a URL is https, or http on loopback, where the platform is tried."""
    if len(url) > _URL_LIMIT or not _URL.fullmatch(url):
        return False
    parts = urlsplit(url)
    return bool(parts.hostname) and (parts.scheme == "https" or parts.hostname in _LOOPBACK)


def _is_text(text: str, limit: int) -> bool:
    return 0 < len(text) <= limit and is_showable(text, lines=True)
