"""Writes what the example overlay comes to, so that it is read and checked where kustomize is not.

python -m deploy.render [--kustomize PATH]

The first line names the digest of what it was made from: a test says when that has changed since.
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


def digest() -> str:
    """Digest of all that kustomize may read, names and bytes."""
    whole = hashlib.sha256()
    for path in sorted(MANIFESTS.rglob("*.yaml")):
        if RENDERED.parent not in path.parents:
            whole.update(f"{path.relative_to(MANIFESTS)}\0".encode())
            whole.update(path.read_bytes())
    return whole.hexdigest()


def build(kustomize: str = "kustomize", overlay: Path = EXAMPLE) -> str:
    """Give what the overlay comes to."""
    done = subprocess.run(
        [kustomize, "build", str(overlay)], capture_output=True, text=True, check=False, timeout=60
    )
    if done.returncode:
        sys.exit(f"error: {done.stderr.strip()}")
    return done.stdout


def main(
    kustomize: Annotated[str, typer.Option(help="The program, v5.")] = "kustomize",
) -> None:
    """Write it."""
    RENDERED.parent.mkdir(exist_ok=True)
    text = f"# Written by deploy/render.py from {digest()}\n{build(kustomize)}"
    RENDERED.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    typer.run(main)
