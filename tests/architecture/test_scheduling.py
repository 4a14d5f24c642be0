"""Schedule of the suite on several workers: a file, or a folder with one platform, stays whole."""

import subprocess
import sys
from pathlib import Path

from tests.kit.deployed import ROOT

_FILE = """import os
from pathlib import Path

import pytest


@pytest.mark.parametrize("number", range(6))
def test_it(number, worker_id):
    place = Path(__file__)
    with open("ran", "a") as file:
        file.write(f"{place.parent.name} {place.stem} {worker_id}\\n")
"""

_OPTIONS = ("--import-mode=importlib", "-p", "tests.kit.scheduling", "--rootdir=.")


def test_a_file_and_a_package_are_run_by_one_worker_each(tmp_path: Path) -> None:
    tests = tmp_path / "cases"
    for name in ("package/test_a.py", "package/test_b.py", "folder/test_c.py", "folder/test_d.py"):
        path = tests / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(_FILE)
    (tests / "package" / "__init__.py").touch()

    subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-n", "2", *_OPTIONS, tests],
        cwd=tmp_path,
        env={"PYTHONPATH": str(ROOT)},
        check=True,
        capture_output=True,
    )

    lines = [line.split() for line in (tmp_path / "ran").read_text().splitlines()]
    workers: dict[str, set[str]] = {}
    for folder, file, worker in lines:
        workers.setdefault(folder if folder == "package" else file, set()).add(worker)
    assert len(lines) == 24
    assert {name: len(found) for name, found in workers.items()} == {
        "package": 1,
        "test_c": 1,
        "test_d": 1,
    }
    assert len(set[str].union(*workers.values())) == 2
