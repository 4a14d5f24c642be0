"""Normalisation takes a time that grows with a text, and not with its square."""

import subprocess
import sys

import pytest

_SIGNS = 200_000
_CPU_S = 20
"""`unicodedata` takes over a minute for as many marks; these take a tenth of a second."""
_PROGRAM = f"""
import resource, sys
resource.setrlimit(resource.RLIMIT_CPU, ({_CPU_S}, {_CPU_S}))
from shared.vocabulary.texts import composed, decomposed, folded, is_showable, plain, showable
sign = "".join(chr(int(each, 16)) for each in sys.argv[1:])
for text in ("a" + sign * {_SIGNS}, ("a" + sign * 20) * ({_SIGNS} // 20)):
    for act in (plain, composed, decomposed, is_showable, showable):
        act(text)
    folded(text, len(text))
print("done")
"""


@pytest.mark.parametrize("signs", ["315 300", "f73", "fdfa", "1100", "e9"])
def test_a_long_text_is_normalised_within_a_bound_of_cpu(signs: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _PROGRAM, *signs.split()],
        capture_output=True,
        text=True,
        timeout=300,
        check=True,
    )

    assert done.stdout == "done\n"
