"""Processes and their descendants, as `ps` shows them."""

import subprocess


def is_gone(pid: int) -> bool:
    """Whether a process has ended, by `ps`: signal 0 would find a zombie alive."""
    state = _run_ps("-o", "stat=", "-p", str(pid)).strip()
    return not state or state.startswith("Z")


def find_descendants(pid: int) -> dict[int, str]:
    """Find the descendants of a process: the command line of each, by pid."""
    children: dict[int, dict[int, str]] = {}
    for line in _run_ps("-A", "-o", "pid=,ppid=,args=").splitlines():
        child, parent, command = line.split(None, 2)
        children.setdefault(int(parent), {})[int(child)] = command
    found = dict(children.get(pid, {}))
    waiting = list(found)
    while waiting:
        below = children.get(waiting.pop(), {})
        found |= below
        waiting.extend(below)
    return found


def _run_ps(*arguments: str) -> str:
    return subprocess.run(
        ["ps", "-ww", *arguments], capture_output=True, text=True, check=False
    ).stdout
