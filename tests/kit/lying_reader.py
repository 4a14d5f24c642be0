"""Reader process that sends false answers, as a hostile file that controls a reader could.

python -m tests.kit.lying_reader MEMORY_MB CPU_S FILES: the name of each file selects the answer.
"""

import pickle
import sys

from services.deposit.adapters.reader_frames import ANSWER_MAX_BYTES, LENGTH, build_frame


class CodeOnUnpickle:
    """Object that runs code in the process that unpickles it."""

    def __reduce__(self) -> tuple[object, tuple[str]]:
        """Leave a trace in the interpreter when unpickled."""
        return exec, ("import sys; sys.planted = True",)


ANSWERS = {
    "pickle": build_frame(pickle.dumps(CodeOnUnpickle())),
    "nothing": build_frame(b""),
    "no_json": build_frame(b"\xff" * 9),
    "wrong_fields": build_frame(b'{"invoice": {"syntax": "EXE"}}'),
    "both_absent": build_frame(b"{}"),
    "endless": LENGTH.pack(0xFFFFFFFF),
    "long": build_frame(b" " * (ANSWER_MAX_BYTES + 1)),
    "cut": LENGTH.pack(100) + b"{",
    "fault": build_frame(b'{"fault": "TypeError()"}'),
}
NOT_TAKEN = b"not_taken"
"""Name of a file for which the process ends without an answer."""


def main() -> None:
    """Answer for one file, then end."""
    requests, answers = sys.stdin.buffer, sys.stdout.buffer
    answers.write(build_frame(b""))
    answers.flush()
    name, _ = (requests.read(*LENGTH.unpack(requests.read(LENGTH.size))) for _ in range(2))
    if name == NOT_TAKEN:
        return
    answers.write(build_frame(b""))
    answers.write(ANSWERS[name.decode()])


if __name__ == "__main__":
    main()
