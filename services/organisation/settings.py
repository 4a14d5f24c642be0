"""Settings of organisation, from environment variables."""

from shared.runtime.settings import RuntimeSettings


class Settings(RuntimeSettings):
    """Settings of organisation: those of the runtime, and no other."""
