"""Settings of portal, from environment variables."""

from pydantic import Field

from shared.runtime.settings import RuntimeSettings


class Settings(RuntimeSettings):
    """Settings of portal, beside those of the runtime."""

    deposit_url: str = "http://127.0.0.1:8002"
    """Base URL of deposit, where the export reads files with the identity of the caller."""
    routing_url: str = "http://127.0.0.1:8003"
    """Base URL of routing."""
    export_file_mb: int = Field(default=20, ge=1)
    """Size limit of one file of an export, in MB: as much as deposit accepts."""
    export_max_mb: int = Field(default=500, ge=1)
    """Size limit of all files of one export, in MB. One deposit may hold 120 MB."""
    export_at_once: int = Field(default=2, ge=1)
    """Limit of exports that run at the same time."""
    export_waiting: int = Field(default=20, ge=1)
    """Limit of exports that run or wait; over it the answer is 503 with Retry-After."""
