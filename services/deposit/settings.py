"""Settings of deposit, from environment variables."""

from pydantic import Field, ValidationInfo, field_validator

from shared.circuit.loader import load_current, switch_rows_off
from shared.runtime.settings import RuntimeSettings
from shared.vocabulary.levels import WRITE_LEVEL


class Settings(RuntimeSettings):
    """Settings of deposit, beside those of the runtime."""

    switched_off: str = ""
    """Rows of the circuit that are switched off for new dossiers: `A5 A22.sans`. Rows that depend
    on them are switched off too, and logged. Open dossiers keep the circuit they opened by."""
    require_moa: bool = True
    """Refuse a service financier "avec maîtrise d'ouvrage" when no MOA is named."""
    max_number_length: int = Field(default=20, ge=1, le=100)
    """Length limit of a number: the portal is said to allow 20, which no source of its own
    states."""
    max_read_at_once: int = Field(default=16, ge=1)
    """Limit of deposits whose files are in memory at the same time."""
    max_group: int = Field(default=200, ge=1)
    """Limit of deposits in one transaction."""
    max_waiting: int = Field(default=1000, ge=1)
    """Limit of deposits that wait for a transaction; over it callers are told to come back."""
    readers: int = Field(default=2, ge=1, le=64)
    """Number of reader processes, each for one file at a time: PDF, and large XML."""
    reader_memory_mb: int = Field(default=512, ge=128)
    """Memory limit of the reading of a file; one that takes more is refused."""
    reader_cpu_s: int = Field(default=3, ge=1)
    """CPU time limit of the reading of a file; one that takes more is refused."""
    reader_wall_s: float = Field(default=10, gt=0)
    """Timeout of the reading by the clock, for a machine too busy to give that CPU time."""
    reader_wait_s: float = Field(default=10, gt=0)
    """Timeout of a file that waits for its turn, and then for a reader; over it the sender is told
    to come back."""

    @field_validator("switched_off")
    @classmethod
    def _check_switches(cls, switches: str, before: ValidationInfo) -> str:
        # A write level that is refused is said to be; the default stands in for it.
        level = before.data.get("write_level", WRITE_LEVEL)
        switch_rows_off(load_current(level), switches.split())
        return switches
