"""Links sent by e-mail: a token of 256 bits, kept as its SHA-256, that expires and serves once."""

import hashlib
import hmac
import secrets
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from services.organisation.accounts.domain import rules
from services.organisation.accounts.domain.attachments import Approval
from shared.vocabulary.rules import Violation

_TOKEN_BYTES = 32


class LinkStatus(StrEnum):
    """Status of what a link is for."""

    ENVOYEE = "ENVOYEE"
    ACCEPTEE = "ACCEPTEE"
    RETIREE = "RETIREE"


@dataclass(frozen=True, slots=True)
class Link:
    """A link for whom an e-mail address identifies; of an invitation or an activation."""

    identity: str
    """SHA-256 of the address to which it was sent."""
    token_hash: str
    expires_at: datetime
    used_by: str | None = None
    """Id of the account that has used it."""


@dataclass(frozen=True, slots=True)
class Invitation:
    """Invitation to a structure, with what its acceptance gives."""

    id: str
    structure: str
    email: str
    approval: Approval
    invited_by: str
    invited_at: datetime
    link: Link
    status: LinkStatus = LinkStatus.ENVOYEE
    ended_at: datetime | None = None

    def end(self, status: LinkStatus, at: datetime, used_by: str | None = None) -> "Invitation":
        """Build the invitation once its link serves no more."""
        link = replace(self.link, used_by=used_by)
        return replace(self, status=status, ended_at=at, link=link)


@dataclass(frozen=True, slots=True)
class Activation:
    """Activation link, asked for by support."""

    id: str
    email: str
    sent_at: datetime
    link: Link


def use_activation(activation: Activation, user: str) -> Activation:
    """Build the activation once its link has served."""
    return replace(activation, link=replace(activation.link, used_by=user))


def create_token() -> str:
    """Create the token of a link."""
    return secrets.token_urlsafe(_TOKEN_BYTES)


def hash_token(token: str) -> str:
    """Hash a token: what is stored opens nothing."""
    return hashlib.sha256(token.encode()).hexdigest()


def judge_link(link: Link, token: str, identity: str, at: datetime) -> Violation | None:
    """Judge the use of a link by the person whose verified address has this identity.

    To any other person a link is unknown, expired or not: nobody learns to whom it was sent, or
    whether an account exists. Both comparisons take the same time whatever they find.
    """
    is_same = hmac.compare_digest(link.token_hash, hash_token(token))
    is_theirs = hmac.compare_digest(link.identity, identity)
    if not (is_same and is_theirs) or link.used_by is not None:
        return rules.LINK_REFUSED.build_violation("token")
    if at >= link.expires_at:
        return rules.LINK_EXPIRED.build_violation("token")
    return None
