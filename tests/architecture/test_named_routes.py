"""Routes named in articles, pages, demos and docstrings are routes that a service serves."""

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from fastapi.routing import iter_route_contexts

from docs.generators.openapi import build_openapi, build_services
from shared.contracts.public_paths import build_public_prefix

ROOT = Path(__file__).parents[2]
FILES = sorted(
    str(path.relative_to(ROOT))
    for pattern in (
        "README.md",
        "docs/*.md",
        "services/support/data/articles/*.md",
        "services/**/entrypoints/**/*.py",
        "deploy/local/demo*/**/*.py",
    )
    for path in ROOT.glob(pattern)
)
OTHERS = {"/", "/health", "/tmp", "/v1"}  # noqa: S108 - a name in a page
"""The gateway's index, the prefix of the probes, a folder, and the version by itself."""

_VERB = r"(GET|POST|PUT|PATCH|DELETE)"
_AFTER_VERB = re.compile(rf"\b{_VERB} (?:\$ORIGIN)?(/[^\s`\"',;()]*)")
_QUOTED = re.compile(r"`(?:\$ORIGIN)?(/[^\s`]*)`")
_CALLED = re.compile(r"\$ORIGIN(/[^\s`\"')]*)")
_PARAMETER = re.compile(r"\{[^}]*\}|\$\w+|(?<=/)\d+(?=/|$)")


@cache
def find_served() -> frozenset[tuple[str, str]]:
    """Find each verb and path that is served, `{}` for a parameter; no verb: beside OpenAPI."""
    served = {
        (method.upper(), _PARAMETER.sub("{}", path))
        for document in build_openapi().values()
        for path, operations in document["paths"].items()
        for method in operations
    }
    for _, app in build_services().values():
        for route in iter_route_contexts(app.routes):
            # WebSockets, the pages of documentation, probes and metrics.
            if not getattr(route.original_route, "include_in_schema", False):
                served.add(("", _PARAMETER.sub("{}", route.path or "")))
    return frozenset(served)


def find_unknown(text: str) -> Iterator[str]:
    """Find the routes that a text names and nobody serves."""
    named = {
        *_AFTER_VERB.findall(text),
        *(("", path) for path in _QUOTED.findall(text)),
        *(("", path) for path in _CALLED.findall(text)),
    }
    for verb, path in sorted(named):
        if not _is_served(verb, path):
            yield f"{verb} {path}".strip()


def _is_served(verb: str, path: str) -> bool:
    path = _PARAMETER.sub("{}", path.partition("?")[0].rstrip(".:"))
    if "<service>" in path:
        services = build_services()
        return all(_is_served(verb, path.replace("<service>", n)) for n in services)
    if path in OTHERS:
        return True
    fits = {each for by, each in find_served() if not verb or by in {verb, ""}}
    if path.endswith(("/…", "/")):
        return any(each.startswith(path.rstrip("…")) for each in fits)
    return path in fits or path in map(build_public_prefix, build_services())


@pytest.mark.parametrize("name", FILES)
def test_every_route_that_a_file_names_is_served(name: str) -> None:
    text = (ROOT / name).read_text(encoding="utf-8")

    assert list(find_unknown(text)) == []


@pytest.mark.parametrize(
    "text",
    [
        "Envoyez le fichier à `POST /pieces`.",
        "Chaque service se décrit sous `/docs`.",
        'report.claim("GET /chat dit de même", 1, 1)',
        "`DELETE /deposit/v1/pieces`",
        "`GET /deposit/v1/pieces/{piece_id}/fichier?page=1`",
        "`/<service>/v1/doc`",
        "`/depot/v1/…`",
        'call "$ORIGIN/portal/v1/recherche?limit=1"',
    ],
)
def test_a_route_that_nobody_serves_is_named(text: str) -> None:
    assert len(list(find_unknown(text))) == 1


@pytest.mark.parametrize(
    "text",
    [
        "`POST /deposit/v1/pieces`, then `GET /routing/v1/dossiers/{id}`.",
        "`/<service>/v1/docs`, `/<service>/v1/openapi.json`, `/deposit/v1/…`, `GET /health/live`",
        "the WebSocket `/support/v1/desk/chats/{chat_id}?after=0`",
        "titulaire $ORIGIN/deposit/v1/pieces/$SIT/certificate -o certificate.pdf",
    ],
)
def test_a_route_that_is_served_passes(text: str) -> None:
    assert list(find_unknown(text)) == []
