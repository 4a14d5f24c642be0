"""Continuous integration runs every folder of tests once: none is left out, none comes twice."""

import re
import shlex
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

ROOT = Path(__file__).parents[2]
_CI_CHECK, _CI_TEST = "make check", "make test"


def run_by_ci(makefile: str, script: str) -> list[str]:
    """List the folders that `make check` and `make test` run, as the script calls them."""
    found = re.finditer(r"^([A-Z_]+) [:?]= (tests.*)$", makefile, re.MULTILINE)
    variables: dict[str, str] = {each[1]: each[2] for each in found}
    steps = [shlex.split(line) for line in script.splitlines() if line.startswith("step ")]
    calls = {" ".join(step[2:4]): step[4:] for step in steps}
    run: list[str] = []
    if _CI_CHECK in calls:
        run += variables["CHECKED"].split()
    if _CI_TEST in calls:
        split = (each.partition("=") for each in calls[_CI_TEST])
        given = {name: value for name, _, value in split}
        run += given.get("TESTS", variables["TESTS"]).split()
    return run


def faults(root: Path, run: Iterable[str]) -> list[str]:
    """Name each file of tests that is not run, or that is run more than once."""
    counts: Counter[str] = Counter()
    for folder in run:
        found = [path.relative_to(root) for path in (root / folder).rglob("test_*.py")]
        counts.update(map(str, found))
    every = {str(path.relative_to(root)) for path in (root / "tests").rglob("test_*.py")}
    return sorted(f"{path} is run {counts[path]} times" for path in every if counts[path] != 1)


def _run_here() -> list[str]:
    makefile, script = ROOT / "Makefile", ROOT / ".ci" / "run"
    return run_by_ci(makefile.read_text(encoding="utf-8"), script.read_text(encoding="utf-8"))


def test_every_file_of_tests_is_run_once() -> None:
    assert faults(ROOT, _run_here()) == []


def test_a_folder_that_falls_between_is_named(tmp_path: Path) -> None:
    for folder in (*_run_here(), "tests/new"):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / "test_it.py").touch()
    (tmp_path / "tests" / "test_alone.py").touch()

    assert faults(tmp_path, _run_here()) == [
        "tests/new/test_it.py is run 0 times",
        "tests/test_alone.py is run 0 times",
    ]


def test_a_folder_that_is_run_twice_is_named(tmp_path: Path) -> None:
    (tmp_path / "tests" / "unit").mkdir(parents=True)
    (tmp_path / "tests" / "unit" / "test_it.py").touch()

    assert faults(tmp_path, ["tests/unit", "tests"]) == ["tests/unit/test_it.py is run 2 times"]


def test_without_make_check_its_tests_are_not_run() -> None:
    makefile = "CHECKED := tests/unit\nTESTS ?= tests\n"

    assert run_by_ci(makefile, "step 9 make test TESTS='tests/a tests/b'") == ["tests/a", "tests/b"]
    assert run_by_ci(makefile, "step 9 make check\nstep 9 make test") == ["tests/unit", "tests"]
