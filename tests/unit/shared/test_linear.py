"""What reads texts of strangers takes time by their length, not by its square.

Each is given texts of half a million signs in a process that the kernel ends after 30 s of CPU
time: what takes the square of that would need minutes.
"""

import subprocess
import sys

import pytest

from tests.kit.einvoices import ROOT
from tests.kit.waiting import scaled

_CPU_S = 30
_SIZE = 500_000

_UNCOMPOSED = [
    each.encode()
    for each in ("\u0315\u0300", "\u0f73", "\ufdfa", "\u1100", "\xe9", "a" + "\u0315\u0300" * 20)
]
"""Signs that normalisation reorders, decomposes or joins: `unicodedata` takes the square of a run
of combining marks."""
_READERS = {
    "filters": (
        "from services.deposit.adapters.einvoice.pdf_filters import has_unbounded_filter as read",
        [
            b"/Filter%",
            b"/Filter[%",
            b"/Filter[/Filter",
            b"/Filter[/Filter[ ",
            b"/Filter ",
            b"/LZWDecod",
        ],
    ),
    "file_names": (
        (
            "from services.deposit.adapters.einvoice.file_names import is_reserved\n"
            "read = lambda text: is_reserved(text.decode())"
        ),
        [b"factur-x", b"(1)", b"/", b" ", b"-copie"],
    ),
    "prologs": (
        (
            "from services.deposit.adapters.einvoice.xml_tree import _DOCTYPE_IN_PROLOG\n"
            "read = _DOCTYPE_IN_PROLOG.match"
        ),
        [b"<?a", b"<!--", b"<?a?>", b"<!---->", b" ", b"<!-- --><?", b"<?<!--"],
    ),
    "roots": (
        "from services.deposit.adapters.einvoice.xml_tree import root_name as read",
        [b"<!--", b"<?a ?>", b"<!-- -->", b"<!DOCTYPE ", b"< "],
    ),
    "attachments": (
        (
            "from shared.vocabulary.attachments import _TYPES, _is_announced\n"
            "read = lambda head: [_is_announced(head, each) for each in _TYPES]"
        ),
        [b"a", b" ", b"\0", b"%PDF", b"<", b"\xff\xfe"],
    ),
    "texts": (
        (
            "from shared.vocabulary import texts\n"
            "acts = texts.plain, texts.composed, texts.decomposed, texts.one_line, \\\n"
            "    texts.is_showable, texts.showable, texts.says_something\n"
            "read = lambda text: [each(text.decode()) for each in acts]\\\n"
            "    + [texts.folded(text.decode(), len(text))]"
        ),
        [b"a", b"\r", b"\xe2\x80\x8b", b"\xc2\xa0", *_UNCOMPOSED],
    ),
    "dispositions": (
        (
            "from shared.runtime.web.content_disposition import read_disposition\n"
            "read = lambda text: read_disposition(b'form-data; name=\"%b\"' % text)"
        ),
        [b"a", *_UNCOMPOSED],
    ),
    "amounts": (
        (
            "from shared.vocabulary.amounts import parse_amount\n"
            "def read(text):\n"
            "    try: parse_amount(text.decode())\n"
            "    except ValueError: pass"
        ),
        [b"1", b"1.", b"-"],
    ),
    "traceparents": (
        (
            "from shared.runtime.web.app import _TRACEPARENT\n"
            "read = lambda text: _TRACEPARENT.fullmatch(text.decode())"
        ),
        [b"0", b"0-"],
    ),
}


_PROGRAM = """
import resource, sys
resource.setrlimit(resource.RLIMIT_CPU, ({cpu_s}, {cpu_s}))
{reader}
for unit in {units}:
    print(unit, flush=True)
    read(unit * ({size} // len(unit)))
"""


@pytest.mark.parametrize("name", _READERS)
def test_a_text_takes_time_by_its_length(name: str) -> None:
    reader, units = _READERS[name]
    program = _PROGRAM.format(cpu_s=_CPU_S, size=_SIZE, reader=reader, units=units)

    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        check=False,
        capture_output=True,
        text=True,
        timeout=scaled(600),
    )

    assert done.returncode == 0, done.stdout[-100:] + done.stderr


def test_what_takes_the_square_is_ended() -> None:
    reader = "import re\nread = re.compile(b'a*b').search"
    program = _PROGRAM.format(cpu_s=1, size=_SIZE, reader=reader, units=[b"a"])

    done = subprocess.run([sys.executable, "-c", program], check=False, timeout=scaled(600))

    assert done.returncode < 0
