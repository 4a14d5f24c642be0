"""Settings of routing, from environment variables."""

from shared.runtime.settings import RuntimeSettings


class Settings(RuntimeSettings):
    """Settings of routing, beside those of the runtime."""

    require_moa: bool = True
    """Hold a dossier without MOA whose service financier is "avec MOA"."""
