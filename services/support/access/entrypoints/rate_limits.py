"""The 429 answer to a request that is over its rate limit."""

from shared.runtime.web.problems import Problem
from shared.vocabulary.rules import Violation

_RETRY_AFTER_S = "3600"
"""Rates are counted by the hour."""


def build_too_many_requests(violation: Violation) -> Problem:
    """Build the 429 problem of a rate limit, with its Retry-After."""
    return Problem(
        429,
        violation.code,
        violation.message,
        [violation],
        headers={"Retry-After": _RETRY_AFTER_S},
    )
