"""Webhooks by the rules of production: a public address, a real name server, names that turn."""

import os
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.integration.notification.public_network import DEAD, NAME, find_missing, run
from tests.kit.certificates import create_authority
from tests.kit.waiting import scale_timeout


def test_a_name_is_judged_at_each_look_up_and_dead_names_delay_nobody(tmp_path: Path) -> None:
    """Its addresses are public, then loopback, then that of cloud metadata; a server is at each.

    The names that are dead hold a look-up for seconds each: more of them than the threads of an
    event loop.
    """
    missing = find_missing(tmp_path)
    if missing is not None:
        pytest.skip(missing)
    now = datetime.fromtimestamp(time.time(), UTC)
    authority = create_authority(tmp_path, now)
    authority.build_context(NAME, now + timedelta(hours=1))

    env = {**os.environ, "SSL_CERT_FILE": str(authority.file)}  # noqa: TID251 - it needs PATH
    found = run(tmp_path, env, scale_timeout(60))

    assert found["turning"] == ["204", "address", "address"]
    assert found["connections"] == 1
    assert found["beside"] == ["204"] * 10
    assert found["waiting"] == DEAD
    assert found["dead"] == ["name"] * DEAD
    print(f"10 webhooks beside {DEAD} dead names: {found['duration_s']:.2f} s")
    assert found["duration_s"] < scale_timeout(2, most=4.5)
