"""The largest memory that a process has had, as Linux counts it."""

from pathlib import Path


def peak_mb(pid: int | None = None) -> float:
    """Give the largest resident size of a process, or of this one, in MB; 0 once it has ended.

    Not ``getrusage``: its maximum is handed down from the process that started this one.
    """
    process = "self" if pid is None else str(pid)
    try:
        status = Path(f"/proc/{process}/status").read_text(encoding="utf-8")
    except (FileNotFoundError, ProcessLookupError):
        return 0.0
    sizes = [line for line in status.splitlines() if line.startswith("VmHWM:")]
    return int(sizes[0].split()[1]) / 1024 if sizes else 0.0
