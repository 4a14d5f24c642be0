"""Settings of the service."""

from pydantic import Field

from shared.runtime.settings import RuntimeSettings


class Settings(RuntimeSettings):
    """The runtime's settings, and those of the live views."""

    heartbeat_s: float = Field(default=15, gt=0)
    """A live view that has nothing to say says so after this long: proxies cut what is silent."""
    streams: int = Field(default=1000, ge=1)
    """Live views that one process keeps open at most."""
    streams_per_structure: int = Field(default=50, ge=1)
    """Of these, those of one structure at most."""
