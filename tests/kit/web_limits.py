"""Limits of an application without a service: of bodies, as by default, and of callers."""

from shared.runtime.clock import build_clock
from shared.runtime.settings import RuntimeSettings
from shared.runtime.web.caller_limits import CallerLimits, CallerRules
from shared.runtime.web.server import build_body_limits

BODY_LIMITS = build_body_limits(RuntimeSettings(kafka="k", mongo="m"))


def build_caller_limits(known: int = 0, address: int = 0, *proxies: str) -> CallerLimits:
    """Build the limit of requests of a caller in an hour; by default there is none."""
    return CallerLimits(CallerRules(3600, known, address, proxies), build_clock())
