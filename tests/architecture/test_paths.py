"""What the pages and the Makefile name exists in a fresh clone."""

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = (
    "README.md",
    "CONTRIBUTING.md",
    "Makefile",
    *(f"docs/{p.name}" for p in (ROOT / "docs").glob("*.md")),
)
_NAMED = re.compile(r"\b(?:services|shared|deploy|tests|docs)/[\w./*-]*\w")


def _tracked() -> list[str]:
    listing = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return listing.stdout.splitlines()


@pytest.mark.parametrize("page", PAGES)
def test_every_path_that_a_page_names_is_tracked(page: str) -> None:
    tracked = _tracked()
    named = set(_NAMED.findall((ROOT / page).read_text(encoding="utf-8")))

    missing = [
        path
        for path in sorted(named)
        if not any(Path(each).match(path) or each.startswith(f"{path}/") for each in tracked)
    ]

    assert missing == []
