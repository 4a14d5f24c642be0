"""Settings of the service."""

from shared.runtime.settings import RuntimeSettings


class Settings(RuntimeSettings):
    """The runtime's settings are all that it needs."""
