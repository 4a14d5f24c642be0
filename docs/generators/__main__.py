"""`python -m docs.generators` writes the documents; with `--check`, exit 1 if one is stale."""

import json
import sys
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Annotated, Any

import typer

from docs.generators.architecture import render_architecture
from docs.generators.asyncapi import build_asyncapi
from docs.generators.circuit import render_circuit
from docs.generators.openapi import build_openapi
from docs.generators.rights import render_rights
from docs.generators.rules import render_rules
from docs.generators.topics import render_topics

ROOT = Path(__file__).parents[2]
_OPENAPI = "docs/openapi"


def main(
    *,
    check: Annotated[
        bool, typer.Option(help="Write nothing; fail when a document is stale.")
    ] = False,
) -> None:
    """Write every document that has changed, and remove the OpenAPI of a deleted service."""
    stale = find_stale_documents(ROOT)
    if check:
        if stale:
            sys.exit(f"stale: {', '.join(stale)}; run: make docs")
        return
    for name, text in stale.items():
        path = ROOT / name
        if text is None:
            path.unlink()
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        print(name)


def find_stale_documents(root: Path) -> Mapping[str, str | None]:
    """Find the stale documents, each with its right text, or None when it must be deleted."""
    wanted: dict[str, str | None] = {**generate_documents()}
    found = {str(path.relative_to(root)) for path in (root / _OPENAPI).glob("*.json")}
    wanted |= dict.fromkeys(found - wanted.keys())
    return {name: text for name, text in wanted.items() if _read(root / name) != text}


@cache
def generate_documents() -> Mapping[str, str]:
    """Generate every document, by its path. Cached: the code does not change during a run."""
    described = {
        f"{_OPENAPI}/{name}.json": _format_json(each) for name, each in build_openapi().items()
    }
    return described | {
        "docs/architecture.md": render_architecture(),
        "docs/asyncapi.json": _format_json(build_asyncapi()),
        "docs/circuit.md": render_circuit(),
        "docs/rights.md": render_rights(),
        "docs/rules.md": render_rules(),
        "docs/topics.md": render_topics(),
    }


def _format_json(document: Mapping[str, Any]) -> str:
    return json.dumps(document, ensure_ascii=False, indent=2) + "\n"


def _read(path: Path) -> str | None:
    return path.read_text(encoding="utf-8") if path.exists() else None


if __name__ == "__main__":
    typer.run(main)
