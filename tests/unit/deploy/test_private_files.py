"""Secrets of a local platform are made once, in files of their user alone."""

import stat
from pathlib import Path

from deploy.local.private_files import keep_text


def test_a_secret_is_made_once_and_only_its_user_reads_it(tmp_path: Path) -> None:
    file = tmp_path / "notification" / "push-key"
    made = iter(["first", "second"])

    assert keep_text(file, lambda: next(made)) == "first"
    assert keep_text(file, lambda: next(made)) == "first"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
