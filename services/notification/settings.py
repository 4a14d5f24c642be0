"""Settings of the service."""

from pydantic import Field

from shared.runtime.settings import RuntimeSettings


class Settings(RuntimeSettings):
    """The runtime's settings, and those of the live views."""

    heartbeat_s: float = Field(default=15, gt=0)
    """A live view that has nothing to say says so after this long: proxies cut what is silent."""
