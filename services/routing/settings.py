"""What routing reads from its environment beside what every service reads."""

from shared.runtime.settings import RuntimeSettings


class Settings(RuntimeSettings):
    """Settings of routing."""

    require_moa: bool = True
    """Hold a dossier without MOA whose service financier is "avec MOA"."""
