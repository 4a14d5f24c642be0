"""Settings of deposit, from environment variables."""

from pydantic import Field, ValidationInfo, field_validator

from shared.circuit.loader import load_current, switch_rows_off
from shared.runtime.settings import RuntimeSettings
from shared.vocabulary.levels import WRITE_LEVEL


class Settings(RuntimeSettings):
    """Settings of deposit, beside those of the runtime."""

    switched_off: str = ""
    """Rows of the circuit that are switched off for new dossiers: `A5 A22.sans`. Rows that depend
    on them are switched off too, and logged. An open dossier keeps the circuit it started with."""
    require_moa: bool = True
    """Refuse a service financier "avec maîtrise d'ouvrage" when no MOA is named."""
    max_number_length: int = Field(default=20, ge=1, le=100)
    """Maximum length of a piece number: 20 in the pivot schemas of Chorus Pro."""
    max_read_at_once: int = Field(default=16, ge=1)
    """Limit of deposits whose files are in memory at the same time."""
    max_group: int = Field(default=200, ge=1)
    """Limit of deposits in one transaction."""
    max_waiting: int = Field(default=1000, ge=1)
    """Limit of deposits that wait for a transaction; over it the answer is 503 with Retry-After."""
    readers: int = Field(default=2, ge=1, le=64)
    """Number of processes that read PDF and large XML files, each one file at a time."""
    reader_memory_mb: int = Field(default=512, ge=128)
    """Memory limit of a process that reads files, in MB; a file that takes more is refused."""
    reader_cpu_s: int = Field(default=3, ge=1)
    """CPU time limit of the reading of a file, in seconds; a file that takes more is refused."""
    reader_wall_s: float = Field(default=10, gt=0)
    """Wall-clock timeout of the reading of a file, in seconds: a busy machine may give less CPU."""
    reader_wait_s: float = Field(default=10, gt=0)
    """Timeout of each wait of a file, in seconds: for its turn, then for a reader. Over it the
    answer is 503 with Retry-After."""

    @field_validator("switched_off")
    @classmethod
    def _check_switches(cls, switches: str, before: ValidationInfo) -> str:
        # A refused write level has its own error: the default stands in for it here.
        level = before.data.get("write_level", WRITE_LEVEL)
        switch_rows_off(load_current(level), switches.split())
        return switches
