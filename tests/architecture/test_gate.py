"""Continuous integration runs every folder of tests once: none is left out, none comes twice."""

import re
import shlex
import tomllib
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
_PYTEST = "\t@$(PY) -m pytest -q -n auto "
_SERIAL_PYTEST = "\t@$(PY) -m pytest -q "
"""Without workers: for short tests, and for a target whose figures pytest is to show."""
_STEP_RUNS = '    time timeout --kill-after=30 "$limit" "$@"\n'
_PLAIN_STEP = re.compile(
    r"step \d+ make [\w./][\w./-]*"
    r"( (BACKEND|TESTS|SEED|INPUTS|ROUNDS|DOSSIERS|SECONDS)=('[\w./ ]*'|[\w./-]+))*"
)
_OTHER_LINES = re.compile(r'(#.*|export CI=1|install_missing|echo "[^"`]*")?')
_A_TEST = re.compile(r"^(?:async )?def test_", re.MULTILINE)


def run_by_ci(makefile: str, script: str) -> list[str]:
    """List the folders of tests that the script runs by `make`.

    Raises ValueError for what this cannot read as a plain run of folders.
    """
    found = re.finditer(r"^([A-Z_]+) [:?]= (.*)$", makefile, re.MULTILINE)
    variables = {each[1]: each[2] for each in found}
    run: list[str] = []
    for target, given in _made(script):
        if target in {"check", "test", "upgrade-test"}:
            run += _folders(makefile, target, {**variables, **given})
    return run


def _made(script: str) -> Iterable[tuple[str, Mapping[str, str]]]:
    """Give the targets that the steps make, in order, with the variables that they set."""
    if _STEP_RUNS not in script:
        raise ValueError("`step` does not run what it is given")
    for line in script.rpartition("\n}\n")[2].splitlines():
        if _PLAIN_STEP.fullmatch(line):
            _, _, _, target, *words = shlex.split(line)
            split = (each.partition("=") for each in words)
            yield target, {name: value for name, _, value in split}
        elif not _OTHER_LINES.fullmatch(line):
            raise ValueError(f"not a plain step: {line}")


def _folders(makefile: str, target: str, variables: Mapping[str, str]) -> list[str]:
    """Read the folders that the recipe of a target gives to pytest."""
    recipe = re.search(rf"^{target}:.*\n((?:\t.*\n?)*)", makefile, re.MULTILINE)
    lines = recipe[1].splitlines() if recipe else []
    run: list[str] = []
    for line in lines:
        prefix = next((each for each in (_PYTEST, _SERIAL_PYTEST) if line.startswith(each)), None)
        if prefix is None:
            if "pytest" in line or line.endswith("\\"):
                raise ValueError(f"{target}: not a plain run of pytest: {line}")
            continue
        words = line.removeprefix(prefix)
        for name, value in variables.items():
            words = words.replace(f"$({name})", value)
        run += words.split()
    for word in run:
        if not re.fullmatch(r"tests(/[\w.]+)*", word):
            raise ValueError(f"{target}: pytest is given {word}")
    return run


def faults(root: Path, run: Iterable[str]) -> list[str]:
    """Name each file of tests that is not run, that is run more than once, or named otherwise."""
    counts: Counter[str] = Counter()
    for folder in run:
        found = [path.relative_to(root) for path in (root / folder).rglob("test_*.py")]
        counts.update(map(str, found))
    named, misnamed = set(), []
    for path in (root / "tests").rglob("*.py"):
        name = str(path.relative_to(root))
        if path.match("test_*.py"):
            named.add(name)
        elif path.match("*_test.py") or _A_TEST.search(path.read_text(encoding="utf-8")):
            misnamed.append(f"{name} holds tests, and is not named test_*.py")
    return sorted(f"{name} is run {counts[name]} times" for name in named if counts[name] != 1) + (
        sorted(misnamed)
    )


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


def test_a_file_of_tests_that_pytest_does_not_look_into_is_named(tmp_path: Path) -> None:
    folder = tmp_path / "tests" / "unit"
    folder.mkdir(parents=True)
    (folder / "it_test.py").touch()
    (folder / "checks.py").write_text("async def test_it() -> None: ...\n", encoding="utf-8")
    (folder / "kit.py").write_text("def tests() -> None: ...\n", encoding="utf-8")

    assert faults(tmp_path, ["tests"]) == [
        "tests/unit/checks.py holds tests, and is not named test_*.py",
        "tests/unit/it_test.py holds tests, and is not named test_*.py",
    ]


def test_pytest_itself_leaves_no_test_out() -> None:
    read = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    options = read["tool"]["pytest"]["ini_options"]

    assert options["python_files"] == ["test_*.py"]
    assert options["addopts"] == (
        "-ra --maxfail=40 --strict-markers --strict-config --import-mode=importlib "
        "-p no:schemathesis"
    )
    assert {"python_functions", "python_classes", "norecursedirs"}.isdisjoint(options)


_MAKEFILE = """CHECKED := tests/unit
TESTS ?= tests

test: $(READY) ## tests
\t@$(PY) -m deploy.local.which-backend
\t@$(PY) -m pytest -q -n auto $(TESTS)

check: $(READY) ## fast tests
\t@.venv/bin/mypy
\t@$(PY) -m pytest -q -n auto $(CHECKED)
"""
_CHECK, _TEST = "step 9 make check\n", "step 9 make test TESTS='tests/a tests/b'\n"


def _script(*lines: str) -> str:
    return f"step() {{\n{_STEP_RUNS}}}\n\n{''.join(lines)}"


def test_the_folders_are_those_that_the_steps_give() -> None:
    assert run_by_ci(_MAKEFILE, _script(_TEST)) == ["tests/a", "tests/b"]
    assert run_by_ci(_MAKEFILE, _script(_CHECK, "step 9 make test\n")) == ["tests/unit", "tests"]


def test_a_step_that_comes_twice_is_read_twice() -> None:
    assert run_by_ci(_MAKEFILE, _script(_TEST, _TEST)) == ["tests/a", "tests/b"] * 2


def test_folders_that_a_recipe_names_itself_are_what_it_runs() -> None:
    makefile = _MAKEFILE.replace("$(CHECKED)", "tests/unit/shared")

    assert run_by_ci(makefile, _script(_CHECK)) == ["tests/unit/shared"]


@pytest.mark.parametrize(
    "recipe",
    [
        "-q -n auto $(CHECKED) --ignore=tests/unit/shared",
        "-q -n auto -m native $(CHECKED)",
        "-q -n auto $(CHECKED) -k it",
        "-q -n auto $(CHECKED) || true",
        "-q -n auto $(CHECKED) \\",
        "$(CHECKED)",
        "-q -n auto $(SOME)",
        "-q -n auto tests/unit/test_it.py::test_one",
    ],
)
def test_a_recipe_that_may_leave_tests_out_is_refused(recipe: str) -> None:
    makefile = _MAKEFILE.replace("-q -n auto $(CHECKED)", recipe)

    with pytest.raises(ValueError, match="pytest"):
        run_by_ci(makefile, _script(_CHECK))


@pytest.mark.parametrize(
    "script",
    [
        _script("if false; then\n", _CHECK, "fi\n"),
        _script("    ", _CHECK),
        _script("exit 0\n", _CHECK),
        _script(_CHECK.replace("\n", " || true\n")),
        _script(_CHECK.replace("make", "make -n")),
        _script(_CHECK.replace("check", "check -i")),
        _script(_CHECK.replace("check", "check PY=:")),
        _script(_CHECK.replace("make", "echo make")),
        _script(_CHECK.replace("make", "make -n")).replace(_STEP_RUNS, ""),
        _script(_CHECK).replace(_STEP_RUNS, "    :\n"),
    ],
)
def test_a_step_that_may_not_run_is_refused(script: str) -> None:
    with pytest.raises(ValueError, match="step"):
        run_by_ci(_MAKEFILE, script)
