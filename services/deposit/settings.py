"""Settings of deposit, from environment variables."""

from pydantic import Field, field_validator

from shared.circuit.loader import load_current, switch_rows_off
from shared.runtime.settings import RuntimeSettings


class Settings(RuntimeSettings):
    """Settings of deposit, beside those of the runtime."""

    switched_off: str = ""
    """Rows of the circuit by which no new dossier opens: `A5 A22.sans`. What depends on them goes
    along, and is named in the log. Dossiers already open keep the circuit they opened by."""
    require_moa: bool = True
    """Refuse a service financier "avec maîtrise d'ouvrage" when no MOA is named."""
    max_number_length: int = Field(default=20, ge=1, le=100)
    """20 is reported of the portal and was found in no source of its own."""
    max_read_at_once: int = Field(default=16, ge=1)
    """Deposits whose files are in memory at the same time."""
    max_group: int = Field(default=200, ge=1)
    """Deposits kept by one transaction at most."""
    max_waiting: int = Field(default=1000, ge=1)
    """Deposits that wait to be kept before callers are told to come back."""
    readers: int = Field(default=2, ge=1, le=64)
    """Files that are read at the same time, each in a process of its own: PDF, and large XML."""
    reader_memory_mb: int = Field(default=512, ge=128)
    """Memory that a file may take to be read; one that takes more is refused."""
    reader_cpu_s: int = Field(default=3, ge=1)
    """CPU time that a file may take to be read; one that takes more is refused."""
    reader_wall_s: float = Field(default=10, gt=0)
    """The same on the clock, for a machine too busy to give that CPU time."""
    reader_wait_s: float = Field(default=10, gt=0)
    """How long a file waits for its turn, and then for a reader, before its sender is told to come
    back."""

    @field_validator("switched_off")
    @classmethod
    def _check_switches(cls, switches: str) -> str:
        switch_rows_off(load_current(), switches.split())
        return switches
