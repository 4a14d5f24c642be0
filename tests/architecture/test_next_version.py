"""The patch of the next version, by which upgrades are tested, applies to the code as it is."""

import subprocess
import sys
from pathlib import Path

import pytest

from deploy.local.platform import SERVICES
from tests.parcours.next_version import CIRCUIT, NEXT_LEVEL, Edit, PatchError, write_next_version

_LOAD = f"""
import {", ".join(f"{module}.bootstrap" for module in SERVICES)}
from shared.circuit.loader import load_current
from shared.vocabulary.levels import LEVEL, WRITE_LEVEL

print(LEVEL, load_current(LEVEL).version == {CIRCUIT!r}, load_current(WRITE_LEVEL).version)
"""


def test_the_next_version_loads_with_its_level_and_its_circuit(tmp_path: Path) -> None:
    write_next_version(tmp_path)

    said = subprocess.run(
        [sys.executable, "-c", _LOAD], cwd=tmp_path, capture_output=True, text=True, check=False
    )

    assert said.returncode == 0, said.stderr
    level, has_circuit, before = said.stdout.split()
    assert (level, has_circuit) == (str(NEXT_LEVEL), "True")
    assert before != CIRCUIT


@pytest.mark.parametrize("text", ["absent", "twice"])
def test_an_edit_that_does_not_apply_fails_and_names_its_file(tmp_path: Path, text: str) -> None:
    (tmp_path / "code.py").write_text("twice\ntwice\n")

    with pytest.raises(PatchError, match=r"code.py holds .* instead of once"):
        Edit("code.py", text, "").apply(tmp_path)
