"""Folders of npm packages that node runs for demos and tests: installed once for each lockfile."""

import fcntl
import hashlib
import os
import shutil
import subprocess
from functools import cache
from pathlib import Path

from deploy.local.programs import ROOT

_OLDEST_NODE = 20
_INSTALL_S = 180


def find_missing(what: str) -> str | None:
    """Find why node cannot run `what` here; None when it can."""
    for program in ("node", "npm"):
        if shutil.which(program) is None:
            return f"no {program} here (Debian: nodejs, npm): no {what}"
    said = subprocess.run(["node", "--version"], capture_output=True, text=True, check=False).stdout
    major = said.removeprefix("v").partition(".")[0]
    if not major.isdigit() or int(major) < _OLDEST_NODE:
        return f"node {said.strip()} is too old for {what}: {_OLDEST_NODE} is needed"
    return None


@cache
def install_packages(source: Path, within_s: float = _INSTALL_S) -> Path:
    """Install what the lockfile of a folder pins; return the folder that holds it.

    Raises SubprocessError when npm does not install it within this time.
    """
    lock = source / "package-lock.json"
    digest = hashlib.sha256(lock.read_bytes()).hexdigest()[:12]
    folder = ROOT / ".run" / f"npm-{source.name}-{digest}"
    done = folder / "installed"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock_file:
        # Workers of pytest, and a demo beside them, install one after the other.
        fcntl.flock(lock_file, fcntl.LOCK_EX)
        if not done.exists():
            for name in ("package.json", "package-lock.json", ".npmrc"):
                shutil.copy(source / name, folder)
            command = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--silent"]
            subprocess.run(command, cwd=folder, check=True, timeout=within_s)
            done.touch()
    return folder


def copy_script(script: Path) -> Path:
    """Copy a script beside the packages of its folder, where node finds them.

    Each process has a copy of its own: another run may be of another version of the script.
    """
    copied = install_packages(script.parent) / f"{script.stem}-{os.getpid()}{script.suffix}"
    shutil.copy(script, copied)
    return copied
