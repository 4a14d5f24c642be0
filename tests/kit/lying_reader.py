"""A reader process that lies: what a file that has taken a reader over could have it say.

python -m tests.kit.lying_reader MEMORY_MB CPU_S FILES: the name of each file says what it answers.
"""

import pickle
import sys

from services.deposit.adapters.reader_frames import ANSWER_MAX_BYTES, LENGTH, frame


class Planted:
    """Runs code in whoever unpickles it."""

    def __reduce__(self) -> tuple[object, tuple[str]]:
        """Leave a trace in the interpreter."""
        return exec, ("import sys; sys.planted = True",)


ANSWERS = {
    "pickle": frame(pickle.dumps(Planted())),
    "nothing": frame(b""),
    "no_json": frame(b"\xff" * 9),
    "wrong_fields": frame(b'{"invoice": {"syntax": "EXE"}}'),
    "both_absent": frame(b"{}"),
    "endless": LENGTH.pack(0xFFFFFFFF),
    "long": frame(b" " * (ANSWER_MAX_BYTES + 1)),
    "cut": LENGTH.pack(100) + b"{",
    "fault": frame(b'{"fault": "TypeError()"}'),
}
NOT_TAKEN = b"not_taken"
"""The name of a file for which the process ends without a word."""


def main() -> None:
    """Answer one file; then be gone."""
    requests, answers = sys.stdin.buffer, sys.stdout.buffer
    answers.write(frame(b""))
    answers.flush()
    name, _ = (requests.read(*LENGTH.unpack(requests.read(LENGTH.size))) for _ in range(2))
    if name == NOT_TAKEN:
        return
    answers.write(frame(b""))
    answers.write(ANSWERS[name.decode()])


if __name__ == "__main__":
    main()
