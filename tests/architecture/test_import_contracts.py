"""Import contracts of pyproject.toml hold every service: a new one stands under each of them."""

import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from deploy.local.platform import SERVICES

ROOT = Path(__file__).parents[2]
Contract = Mapping[str, Any]
_LAYERS = {
    "domain": "domains are pure",
    "application": "use cases know ports, not drivers",
}
_INDEPENDENCE = "a service never imports another"


def contracts_here() -> list[Contract]:
    read = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    contracts: list[Contract] = read["tool"]["importlinter"]["contracts"]
    return contracts


def services_in(root: Path) -> set[str]:
    return {f"services.{each.name}" for each in (root / "services").iterdir() if _has_code(each)}


def _has_code(folder: Path) -> bool:
    return folder.is_dir() and any(folder.rglob("*.py"))


def uncovered(root: Path, contracts: Iterable[Contract]) -> Iterator[str]:
    """Name each service, and each layer of one, that a contract should list and does not."""
    by_name = {each["name"]: each for each in contracts}
    layered = [
        container
        for each in by_name.values()
        if each["type"] == "layers" and each.get("exhaustive")
        for container in each["containers"]
    ]
    for service in sorted(services_in(root)):
        if not _is_listed(service, by_name[_INDEPENDENCE]["modules"]):
            yield f"{service}: {_INDEPENDENCE}"
        if not _is_listed(service, layered):
            yield f"{service}: layers"
    for layer, contract in _LAYERS.items():
        for folder in sorted((root / "services").rglob(layer)):
            package = ".".join(folder.relative_to(root).parts)
            if not _has_code(folder):
                continue
            if not _is_listed(package, by_name[contract]["source_modules"]):
                yield f"{package}: {contract}"
            if not _is_listed(package.rpartition(".")[0], layered):
                yield f"{package}: layers"


def _is_listed(package: str, expressions: Iterable[str]) -> bool:
    """Match as import-linter does: `*` is one name."""
    patterns = (re.escape(each).replace(r"\*", r"[^.]+") for each in expressions)
    return any(re.fullmatch(pattern, package) for pattern in patterns)


def test_each_folder_of_services_is_started_by_the_platform() -> None:
    assert services_in(ROOT) == set(SERVICES)


def test_each_service_stands_under_every_contract() -> None:
    assert list(uncovered(ROOT, contracts_here())) == []


def test_a_new_service_that_no_list_names_is_named(tmp_path: Path) -> None:
    for layer in ("", "domain", "application", "feature/domain"):
        folder = tmp_path / "services" / "new" / layer
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "it.py").touch()
    by_hand = [
        {**each, **{key: ["services.deposit"] for key in ("modules", "source_modules")}}
        for each in contracts_here()
    ]

    assert list(uncovered(tmp_path, by_hand)) == [
        "services.new: a service never imports another",
        "services.new: layers",
        "services.new.domain: domains are pure",
        "services.new.domain: layers",
        "services.new.feature.domain: domains are pure",
        "services.new.feature.domain: layers",
        "services.new.application: use cases know ports, not drivers",
        "services.new.application: layers",
    ]
    assert [each for each in uncovered(tmp_path, contracts_here()) if "layers" not in each] == []


def test_use_cases_and_the_runtime_do_not_import_the_shapes_of_answers() -> None:
    forbidding = {
        source
        for each in contracts_here()
        if "shared.answers" in each.get("forbidden_modules", ())
        for source in each["source_modules"]
    }

    assert forbidding == {"services.*.application", "services.*.*.application", "shared.runtime"}
