"""Renders the example overlay by kustomize, so that it can be checked without kustomize.

python -m deploy.render [--kustomize PATH]

The first line of the result holds the digest of the sources; a test fails when they have changed.
"""

import hashlib
import subprocess
import sys
from pathlib import Path
from typing import Annotated

import typer

_HERE = Path(__file__).parent
ROOT = _HERE.parent
MANIFESTS = _HERE / "k8s"
EXAMPLE = MANIFESTS / "overlays" / "example"
RENDERED = MANIFESTS / "rendered" / "example.yaml"


def compute_digest() -> str:
    """Compute the SHA-256 of all files that kustomize may read, names and bytes."""
    whole = hashlib.sha256()
    for path in sorted(MANIFESTS.rglob("*.yaml")):
        if RENDERED.parent not in path.parents:
            whole.update(f"{path.relative_to(MANIFESTS)}\0".encode())
            whole.update(path.read_bytes())
    return whole.hexdigest()


def build(kustomize: str = "kustomize", overlay: Path = EXAMPLE) -> str:
    """Render an overlay by kustomize; return its YAML. Exits with kustomize's error."""
    done = subprocess.run(
        [kustomize, "build", str(overlay)], capture_output=True, text=True, check=False, timeout=60
    )
    if done.returncode:
        sys.exit(f"error: {done.stderr.strip()}")
    return done.stdout


def main(
    kustomize: Annotated[str, typer.Option(help="The program, v5.")] = "kustomize",
) -> None:
    """Write the rendered example."""
    RENDERED.parent.mkdir(exist_ok=True)
    text = f"# Written by deploy/render.py from {compute_digest()}\n{build(kustomize)}"
    RENDERED.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    typer.run(main)
