"""Settings of the service."""

from pydantic import Field

from shared.runtime.settings import RuntimeSettings


class Settings(RuntimeSettings):
    """The runtime's settings, and those of the export."""

    deposit_url: str = "http://127.0.0.1:8002"
    """Where deposit answers: the export fetches files from it, in the caller's name."""
    routing_url: str = "http://127.0.0.1:8003"
    """Where routing answers."""
    export_file_mb: int = Field(default=20, ge=1)
    """What one file of an export may weigh: as much as deposit accepts."""
    export_max_mb: int = Field(default=500, ge=1)
    """What the files of one export may weigh together. Each deposit may bring 120."""
    export_at_once: int = Field(default=2, ge=1)
    """Exports that are made at the same time."""
    export_waiting: int = Field(default=20, ge=1)
    """Exports made or waiting before callers are told to come back."""
