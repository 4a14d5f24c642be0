"""Jobs of pushes: kinds, and the payload of a replay."""

from dataclasses import dataclass
from datetime import datetime

from shared.runtime.jobs.rows import Job

PUSHES, REPLAYS, EXPIRY = "pushes", "replays", "expiry"
"""Kinds of jobs: what waits for a subscriber is sent, a past period is looked up for one, and what
is too old expires."""
CATCH_UP = ""
"""Name of the replay by which a subscriber catches up: its deliveries are those it missed."""
LAST_MARK = 2**53
"""No mark is higher: a replay until it reads to the end."""


@dataclass(frozen=True, slots=True)
class Replay:
    """Statuses of a past period that a subscriber is sent again."""

    subscription: str
    name: str
    """Own name, or CATCH_UP."""
    after: int
    """Mark after which it begins, or goes on."""
    until: int
    """Last mark."""
    since: datetime | None = None
    before: datetime | None = None

    def build_job(self) -> Job:
        """Build the job that looks up the statuses."""
        payload = {
            "after": self.after,
            "until": self.until,
            "since": self.since,
            "before": self.before,
            "subscription": self.subscription,
        }
        return Job(REPLAYS, f"{self.subscription}|{self.name}", payload)


def read_replay(job: Job) -> Replay:
    """Read the replay of a job."""
    _, _, name = job.key.partition("|")
    return Replay(name=name, **job.payload)
