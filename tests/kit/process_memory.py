"""Peak memory of a process, as Linux counts it."""

from pathlib import Path


def measure_peak_mb(pid: int | None = None) -> float:
    """Measure the peak resident memory of a process, or of this one, in MB; 0 if it has ended.

    Not by ``getrusage``: its maximum is inherited from the parent process.
    """
    process = "self" if pid is None else str(pid)
    try:
        status = Path(f"/proc/{process}/status").read_text(encoding="utf-8")
    except (FileNotFoundError, ProcessLookupError):
        return 0.0
    sizes = [line for line in status.splitlines() if line.startswith("VmHWM:")]
    return int(sizes[0].split()[1]) / 1024 if sizes else 0.0
