"""Public routes speak one language: one prefix a service, one name for an id, no path twice
unless it is of all."""

import re
from collections.abc import Iterator, Mapping
from copy import deepcopy
from typing import Any

import pytest

from docs.generators.openapi import build_openapi
from shared.contracts.public_paths import build_public_prefix

DOCUMENTS = build_openapi()
_ID = re.compile(r"/(\w+)s/\{(\w+)\}")
NO_IDS = {
    "sha256",
    "rank",
    "version",
    "code",
    "pipe",
    "user_id",
    "structure_id",
    "client_id",
    "token",
}
"""Parameters that identify by what they are: a digest, a place in order, a chosen
code, one of the pipes that each structure has, an attachment by its user or its structure, the
id of a machine that OAuth knows, and what the link of a mail holds."""
OF_ALL = {"/limits"}
"""Paths that every service answers, each for itself."""
_WORD = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")


def faults(documents: Mapping[str, Any]) -> Iterator[str]:
    served: dict[tuple[str, str], str] = {}
    for service, document in documents.items():
        for path, operations in document["paths"].items():
            prefix, rest = (
                build_public_prefix(service),
                path.removeprefix(build_public_prefix(service)),
            )
            if not path.startswith(f"{prefix}/"):
                yield f"{service}: {path} is not under {prefix}"
            yield from (f"{service}: {fault}" for fault in _misnamed(rest))
            for method in operations:
                other = served.setdefault((method, rest), service)
                if other != service and rest not in OF_ALL:
                    yield f"{other} and {service} both answer {method} {rest}"


def _misnamed(path: str) -> Iterator[str]:
    for noun, parameter in _ID.findall(path):
        one = f"{noun.removesuffix('ie')}y" if noun.endswith("ie") else noun
        if parameter not in {f"{one}_id", *NO_IDS}:
            yield f"{path}: {{{parameter}}} is not {{{one}_id}}"
    for word in path.split("/")[1:]:
        if not (word.startswith("{") or _WORD.fullmatch(word)):
            yield f"{path}: {word} is no word of a path"


def test_the_routes_of_all_services_are_without_fault() -> None:
    assert len(DOCUMENTS) == 6
    assert list(faults(DOCUMENTS)) == []


@pytest.mark.parametrize(
    ("service", "path", "fault"),
    [
        ("portal", "/pieces", "portal: /pieces is not under /portal/v1"),
        ("portal", "/deposit/v1/pieces", "is not under /portal/v1"),
        ("portal", "/portal/v1/pieces/{id}", "{id} is not {piece_id}"),
        ("portal", "/portal/v1/listeFiscale", "listeFiscale is no word"),
        ("portal", "/portal/v1/pieces/{piece_id}/file", "deposit and portal both answer get"),
    ],
)
def test_a_planted_fault_is_named(service: str, path: str, fault: str) -> None:
    documents = deepcopy(dict(DOCUMENTS))
    documents[service]["paths"][path] = {"get": {}}

    assert any(fault in each for each in faults(documents)), list(faults(documents))
