"""Outcomes of attempts to push."""

from dataclasses import dataclass
from enum import StrEnum


class Outcome(StrEnum):
    """Outcome of one attempt."""

    DELIVERED = "delivered"
    FAILED = "failed"
    """To be tried again later."""
    GONE = "gone"
    """The receiver wants no more: 410."""
    HELD = "held"
    """Nothing was sent: this version of the platform cannot read the status. To be tried again
    later; no fault of the receiver."""
    DROPPED = "dropped"
    """Nothing is sent, now or later: the structure may read the status no more."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt to push: its outcome, and why.

    The code is the HTTP status that was answered, such as `200`, or one of these:

    - `name`: the name has no address, or its name server does not answer
    - `address`: the name is one of an internal network, or leads to an address that is not public
    - `connect`: no connection was made
    - `tls`: no certificate, or not one of this name, of an authority that is trusted
    - `timeout`: no answer in time
    - `closed`: the connection was closed without an answer
    - `answer`: what was answered is no HTTP, or its head is too long
    - `redirect`: a redirect, which is not followed
    - `left`: the structure may read the status no more
    - `status`: the status cannot be read here
    - `secret`: no key of the platform decrypts a secret of the subscription
    - a value of `TargetFault`: the rules of targets have changed since the registration
    """

    outcome: Outcome
    code: str
    duration_ms: int
