"""The image holds what a service needs, all of it pinned, and nothing else."""

import ast
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator, Mapping
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from tests.kit.deployed import NAMES, ROOT
from tests.kit.waiting import scale_timeout

DOCKERFILE = ROOT / "deploy" / "Dockerfile"
OURS = {"services", "shared", "deploy"}
_PIN = re.compile(r"^([a-z0-9][\w.-]*)==(\S+)", re.MULTILINE)


def instructions(text: str) -> list[tuple[str, str]]:
    """Give each instruction with its arguments, comments and continuations resolved."""
    lines = "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("#"))
    joined = re.sub(r"\\\n\s*", "", lines)
    return [
        (line.split()[0].upper(), line.split(maxsplit=1)[1])
        for line in joined.splitlines()
        if line.strip()
    ]


def faults(text: str) -> list[str]:
    """Say what is wrong with a Dockerfile, beside what its linter says."""
    known = instructions(text)
    last = max(rank for rank, (name, _) in enumerate(known) if name == "FROM")
    final = dict(known[last:])
    pip = next((args for name, args in known if name == "RUN" and "pip" in args), "")
    python = next((args for name, args in known if name == "ARG" and "PYTHON=" in args), "")
    wanted = {
        "a version of Python": re.search(r"=3\.\d+\.\d+-slim-\w+$", python),
        "one base": all(a.startswith("python:${PYTHON}") for n, a in known if n == "FROM"),
        "hashes": "--require-hashes" in pip and "--only-binary=:all:" in pip,
        "the runtime's lock": "requirements-runtime.lock" in pip,
        "a user that is not root": re.fullmatch(r"[1-9]\d*:[1-9]\d*", final.get("USER", "")),
        "a start without shell": final.get("ENTRYPOINT", "").startswith("["),
        "a look at its health": re.search(r"CMD \[.*live", final.get("HEALTHCHECK", "")),
        "its labels": final.get("LABEL", "").count("org.opencontainers.image.") >= 4,
        "no shell": all(a.startswith("[") for n, a in known if n in {"RUN", "CMD", "ENTRYPOINT"}),
        "no secret": not re.search(r"(?i)(ARG|ENV).*(passw|secret|token)", text),
        "nothing from outside": not any(name == "ADD" for name, _ in known),
    }
    return [what for what, is_there in wanted.items() if not is_there]


def test_the_dockerfile_is_without_fault() -> None:
    assert faults(DOCKERFILE.read_text(encoding="utf-8")) == []


def test_its_linter_agrees() -> None:
    assert _lint(DOCKERFILE) == ""


@pytest.mark.parametrize(
    ("written", "instead", "missing"),
    [
        ("3.11.14-slim-bookworm", "3-slim", "a version of Python"),
        ('"--require-hashes", ', "", "hashes"),
        ("requirements-runtime.lock", "requirements.lock", "the runtime's lock"),
        ("USER 10001:10001", "USER root", "a user that is not root"),
        ("USER 10001:10001\n", "", "a user that is not root"),
        ('ENTRYPOINT ["python", "-m", "deploy.image"]', "ENTRYPOINT python", "no shell"),
        ("HEALTHCHECK", "LABEL", "a look at its health"),
        ("ARG VERSION=dev", "ARG TOKEN=dev", "no secret"),
        ("COPY shared/ shared/", "ADD shared/ shared/", "nothing from outside"),
    ],
)
def test_a_planted_fault_is_named(written: str, instead: str, missing: str) -> None:
    text = DOCKERFILE.read_text(encoding="utf-8")
    assert written in text

    assert missing in faults(text.replace(written, instead))


@pytest.mark.parametrize(
    ("written", "instead", "rule"),
    [
        ("WORKDIR /app", "WORKDIR app", "DL3000"),
        ("python:${PYTHON} AS build", "python AS build", "DL3006"),
        ("COPY --from=build /app", "COPY --from=nobody /app", "DL3022"),
        ("EXPOSE 8000", "EXPOSED 8000", "Dockerfile:"),
    ],
)
def test_the_linter_names_a_planted_fault(
    tmp_path: Path, written: str, instead: str, rule: str
) -> None:
    text = DOCKERFILE.read_text(encoding="utf-8")
    assert written in text
    (tmp_path / "Dockerfile").write_text(text.replace(written, instead))

    assert rule in _lint(tmp_path / "Dockerfile")


def _lint(path: Path) -> str:
    hadolint = Path(sys.executable).parent / "hadolint"
    done = subprocess.run(
        [hadolint, "--no-color", path],
        capture_output=True,
        text=True,
        check=False,
        timeout=scale_timeout(60),
    )
    return done.stdout + done.stderr


def test_what_is_copied_is_let_through_and_nothing_more() -> None:
    lines = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    let_through = {line[1:] for line in lines if line.startswith("!")}
    copied = {
        arguments.split()[0].rstrip("/")
        for name, arguments in instructions(DOCKERFILE.read_text(encoding="utf-8"))
        if name == "COPY" and not arguments.startswith("--from")
    }

    assert "*" in lines
    assert {each.split("/")[0] for each in let_through} == {each.split("/")[0] for each in copied}
    assert all((ROOT / each).exists() for each in let_through)


@pytest.mark.parametrize("service", NAMES)
def test_a_service_starts_on_what_its_image_holds(tmp_path: Path, service: str) -> None:
    _lay_out(tmp_path, service)

    done = _run(tmp_path, service)

    # So far it comes without settings: every module was there.
    assert done.stderr.strip().startswith(f"{service}: AIGUILLAGE_KAFKA: not set"), done.stderr


def test_an_image_without_a_part_of_it_does_not_start(tmp_path: Path) -> None:
    _lay_out(tmp_path, "routing")
    shutil.rmtree(tmp_path / "shared" / "circuit")

    assert "No module named 'shared.circuit'" in _run(tmp_path, "routing").stderr


def test_arguments_reach_the_service(tmp_path: Path) -> None:
    _lay_out(tmp_path, "routing")

    said = _run(tmp_path, "routing", "verify").stderr
    assert said.startswith("Usage: python -m services.routing verify")


def _lay_out(folder: Path, service: str) -> None:
    """Copy what the Dockerfile copies, of what .dockerignore lets through."""
    lines = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    for each in (line[1:] for line in lines if re.match(r"!deploy/", line)):
        (folder / each).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / each, folder / each)
    shutil.copytree(ROOT / "shared", folder / "shared")
    (folder / "services").mkdir()
    shutil.copy(ROOT / "services" / "__init__.py", folder / "services")
    shutil.copytree(ROOT / "services" / service, folder / "services" / service)


def _run(folder: Path, service: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "deploy.image", *arguments],
        cwd=folder,
        env={"SERVICE": service, "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=False,
        timeout=scale_timeout(60),
    )


def test_the_runtime_lock_pins_what_the_project_asks_for_as_the_whole_lock_does() -> None:
    whole, runtime = _pins("requirements.lock"), _pins("requirements-runtime.lock")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    asked = {_normal(each) for each in project["dependencies"]}
    for_tests = {_normal(each) for each in project["optional-dependencies"]["dev"]}

    assert asked <= runtime.keys(), "make lock"
    assert runtime.items() <= whole.items(), "make lock"
    # Of those that only tests ask for, one is also what uvicorn asks for.
    assert (for_tests - asked) & runtime.keys() <= {"pyyaml"}


def test_every_library_that_the_services_import_is_pinned() -> None:
    pinned = _pins("requirements-runtime.lock").keys()
    distributions = packages_distributions()

    lost = {
        module: path
        for module, path in _imports()
        if not {_normal(each) for each in distributions.get(module, [])} & pinned
    }
    assert lost == {}


def _imports() -> Iterator[tuple[str, str]]:
    """Give each library that the services import, with the file that does."""
    skipped = OURS | sys.stdlib_module_names | {"gridfs", "bson"}
    sources = [*(ROOT / "services").rglob("*.py"), *(ROOT / "shared").rglob("*.py")]
    for path in [*sources, ROOT / "deploy" / "image.py", ROOT / "deploy" / "topics.py"]:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = []
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                names = [node.module or ""]
            for name in {each.split(".")[0] for each in names} - skipped:
                yield name, str(path.relative_to(ROOT))


def _pins(lock: str) -> Mapping[str, str]:
    return dict(_PIN.findall((ROOT / lock).read_text(encoding="utf-8")))


def _normal(requirement: str) -> str:
    name = re.split(r"[\[~=<>! ]", requirement)[0]
    return re.sub(r"[-_.]+", "-", name).lower()
