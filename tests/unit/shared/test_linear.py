"""What reads texts of strangers takes time by their length, not by its square.

Each is given texts of half a million signs in a process that the kernel ends after 30 s of CPU
time: what takes the square of that would need minutes.
"""

import subprocess
import sys

import pytest

from tests.kit.einvoices import ROOT
from tests.kit.text_readers import READERS
from tests.kit.waiting import scale_timeout

_CPU_S = 30
_SIZE = 500_000

_UNCOMPOSED = [
    each.encode()
    for each in ("\u0315\u0300", "\u0f73", "\ufdfa", "\u1100", "\xe9", "a" + "\u0315\u0300" * 20)
]
"""Signs that normalisation reorders, decomposes or joins: `unicodedata` takes the square of a run
of combining marks."""
_TEXTS: dict[str, list[bytes]] = {
    "filters": [
        b"/Filter%",
        b"/Filter[%",
        b"/Filter[/Filter",
        b"/Filter[/Filter[ ",
        b"/Filter ",
        b"/LZWDecod",
    ],
    "file_names": [b"factur-x", b"(1)", b"/", b" ", b"-copie"],
    "prologs": [b"<?a", b"<!--", b"<?a?>", b"<!---->", b" ", b"<!-- --><?", b"<?<!--"],
    "roots": [b"<!--", b"<?a ?>", b"<!-- -->", b"<!DOCTYPE ", b"< "],
    "attachments": [b"a", b" ", b"\0", b"%PDF", b"<", b"\xff\xfe"],
    "texts": [b"a", b"\r", b"\xe2\x80\x8b", b"\xc2\xa0", *_UNCOMPOSED],
    "dispositions": [b"a", *_UNCOMPOSED],
    "amounts": [b"1", b"1.", b"-"],
    "traceparents": [b"0", b"0-"],
}


_PROGRAM = """
import resource, sys
resource.setrlimit(resource.RLIMIT_CPU, ({cpu_s}, {cpu_s}))
{reader}
for unit in {units}:
    print(unit, flush=True)
    read(unit * ({size} // len(unit)))
"""


@pytest.mark.parametrize("name", READERS)
def test_a_text_takes_time_by_its_length(name: str) -> None:
    reader = f"from tests.kit.text_readers import READERS\nread = READERS[{name!r}]"
    program = _PROGRAM.format(cpu_s=_CPU_S, size=_SIZE, reader=reader, units=_TEXTS[name])

    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        check=False,
        capture_output=True,
        text=True,
        timeout=scale_timeout(600),
    )

    assert done.returncode == 0, done.stdout[-100:] + done.stderr


def test_what_takes_the_square_is_ended() -> None:
    reader = "import re\nread = re.compile(b'a*b').search"
    program = _PROGRAM.format(cpu_s=1, size=_SIZE, reader=reader, units=[b"a"])

    done = subprocess.run([sys.executable, "-c", program], check=False, timeout=scale_timeout(600))

    assert done.returncode < 0
