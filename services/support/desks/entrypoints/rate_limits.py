"""The 429 answer to a request that is over its rate limit."""

from shared.runtime.web.problems import Problem
from shared.vocabulary.rules import Violation

_RETRY_AFTER_S = "3600"
"""What is counted is counted by the hour."""


def too_many_requests(violation: Violation) -> Problem:
    """Ask to come back once the hour is over."""
    return Problem(
        429,
        violation.code,
        violation.message,
        [violation],
        headers={"Retry-After": _RETRY_AFTER_S},
    )
