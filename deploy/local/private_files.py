"""Secrets of this machine's platform, kept in files that their user alone may read."""

import os
from collections.abc import Callable
from pathlib import Path


def keep_text(file: Path, create: Callable[[], str]) -> str:
    """Read the secret of a file; create and write it the first time."""
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as output:
            output.write(create())
    return file.read_text(encoding="utf-8")
