"""Settings of notification, from environment variables."""

from pydantic import Field

from shared.runtime.settings import RuntimeSettings


class Settings(RuntimeSettings):
    """Settings of notification, beside those of the runtime."""

    heartbeat_s: float = Field(default=15, gt=0)
    """Heartbeat interval of a stream, in seconds: proxies close a silent connection."""
    streams: int = Field(default=1000, ge=1)
    """Limit of open streams, per process."""
    streams_per_structure: int = Field(default=50, ge=1)
    """Limit of open streams of one structure, per process."""
