"""Settings of routing, from environment variables."""

from pydantic import Field

from services.routing.domain.decision import REMIND_DAYS
from shared.runtime.settings import RuntimeSettings


class Settings(RuntimeSettings):
    """Settings of routing, beside those of the runtime."""

    require_moa: bool = True
    """Hold a dossier without MOA whose service financier is "avec MOA"."""
    remind_days: int = Field(default=REMIND_DAYS, ge=0, le=365)
    """Days before the last day of a delay on which the awaited actor is reminded of it."""
