"""Job that announces the secrets which expire."""

from services.organisation.machines.application.expiry import ExpiryNotices
from shared.runtime.jobs.kinds import Effect, Finder

SECRETS = "secrets"
"""Kind of the jobs; the key of a job is the id of its machine."""
_SEARCH_S = 3600
"""Interval of the search for secrets that expire, in seconds."""


def build_expiry_work(notices: ExpiryNotices) -> Effect:
    """Build the work that announces the secrets of a machine, in a transaction of its own.

    Done again, it announces nothing more.
    """
    return Effect(lambda job: notices.announce(job.key))


def build_expiry_finder(notices: ExpiryNotices) -> Finder:
    """Build the search for machines whose secrets expire."""
    return Finder(notices.list_due, _SEARCH_S)
