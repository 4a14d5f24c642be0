"""What is run by node is pinned by hashes, and the lockfiles name no registry."""

import json
from collections.abc import Mapping
from typing import Any

import pytest

from tests.kit.einvoices import ROOT

FOLDERS = {
    "oidc-provider": (ROOT / "tests" / "integration" / "access" / "provider", "9.13.3", 20),
    "standardwebhooks": (ROOT / "deploy" / "local" / "webhooks_npm", "1.1.1", 3),
}
"""Packages, each with its folder, its version, and the least number of entries of the lockfile."""


def find_unpinned(lock: Mapping[str, Any]) -> list[str]:
    """Find the packages of a lockfile without a hash, or with the address of a registry."""
    return [
        name
        for name, package in lock["packages"].items()
        if name and ("integrity" not in package or "resolved" in package)
    ]


@pytest.mark.parametrize("package", FOLDERS)
def test_the_lockfile_has_hashes_and_no_address(package: str) -> None:
    folder, version, least = FOLDERS[package]
    lock = json.loads((folder / "package-lock.json").read_text(encoding="utf-8"))
    wanted = json.loads((folder / "package.json").read_text(encoding="utf-8"))["dependencies"]

    assert wanted == {package: version}
    assert lock["packages"][f"node_modules/{package}"]["version"] == version
    assert len(lock["packages"]) > least
    assert find_unpinned(lock) == []
    assert (folder / ".npmrc").read_text().startswith("omit-lockfile-registry-resolved=true")


def test_a_package_that_is_not_pinned_is_found() -> None:
    packages = {
        "": {"name": "x"},
        "a": {"integrity": "sha512-x"},
        "b": {"integrity": "sha512-x", "resolved": "https://registry.example/b.tgz"},
        "c": {"version": "1"},
    }

    assert find_unpinned({"packages": packages}) == ["b", "c"]
