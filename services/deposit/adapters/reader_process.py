"""Reader process with limits of memory and CPU (`setrlimit`): it reads untrusted files.

python -m services.deposit.adapters.reader_process MEMORY_MB CPU_S FILES

The kernel limits its memory and the CPU time of each file; a file that takes more ends the process.
It may write no file: it receives files on standard input and answers on standard output. It ends
when standard input closes, as the service is then gone, and after FILES files.
"""

import gc
import json
import math
import resource
import sys
import time
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import BinaryIO

from services.deposit.adapters.einvoice.reader import read_einvoice
from services.deposit.adapters.reader_frames import ANSWER_MAX_BYTES, LENGTH, build_frame
from services.deposit.domain.unreadable import Unreadable
from shared.vocabulary.sizes import MEGABYTE

_OPEN_FILES = 16


def main() -> None:
    """Read files until standard input closes, or FILES of them are read."""
    memory_mb, cpu_s, files = map(int, sys.argv[1:])
    with suppress(OSError):
        # When memory runs short, the kernel ends this process before the service.
        Path("/proc/self/oom_score_adj").write_text("1000")
    _limit(resource.RLIMIT_DATA, memory_mb * MEGABYTE)
    _limit(resource.RLIMIT_NOFILE, _OPEN_FILES)
    _limit(resource.RLIMIT_FSIZE, 0)
    _limit(resource.RLIMIT_CORE, 0)
    most_cpu_s = _read_cpu_s() + files * (cpu_s + 1)
    gc.freeze()
    _write_answer(b"")
    for _ in range(files):
        name, content = _read_frame(sys.stdin.buffer), _read_frame(sys.stdin.buffer)
        # Acknowledge the file: from here on, it may be the cause when this process ends.
        _write_answer(b"")
        # The soft limit ends the process too. The hard one is not lowered: it could not be raised
        # again for the next file.
        resource.setrlimit(resource.RLIMIT_CPU, (_read_cpu_s() + cpu_s, most_cpu_s))
        answer = _read(content, name.decode())
        # The CPU limit of this file is lifted before the next one is received.
        resource.setrlimit(resource.RLIMIT_CPU, (most_cpu_s, most_cpu_s))
        _write_answer(answer)


def _read_cpu_s() -> int:
    return math.ceil(time.process_time())


def _limit(what: int, most: int) -> None:
    resource.setrlimit(what, (most, most))


def _read_frame(requests: BinaryIO) -> bytes:
    head = requests.read(LENGTH.size)
    if len(head) < LENGTH.size:
        sys.exit()  # the service is gone
    return requests.read(*LENGTH.unpack(head))


def _write_answer(answer: bytes) -> None:
    sys.stdout.buffer.write(build_frame(answer))
    sys.stdout.buffer.flush()


def _read(content: bytes, name: str) -> bytes:
    """Read a file and build the answer: an invoice, the rule that it breaks, or a fault."""
    answer: dict[str, object]
    try:
        answer = {"invoice": asdict(read_einvoice(content, name))}
    except Unreadable as error:
        answer = {"violation": asdict(error.violation)}
    except MemoryError:
        raise  # ends the process
    except Exception as error:  # noqa: BLE001 - the service raises it as its own error
        # Not its `repr`, which may hold the bytes of the file.
        answer = {"fault": f"{type(error).__name__}: {error}"[:1000]}
    written = json.dumps(answer, default=str).encode()
    if len(written) > ANSWER_MAX_BYTES:
        sys.exit(1)
    return written


if __name__ == "__main__":
    main()
