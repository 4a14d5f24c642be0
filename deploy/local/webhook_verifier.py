"""Verifies webhooks by npm's `standardwebhooks`, an implementation that is not the one that signs.

Ask `deploy.local.npm.find_missing` first whether node is here.
"""

import json
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from deploy.local.npm import copy_script
from deploy.local.programs import ROOT

SOURCE = ROOT / "deploy" / "local" / "webhooks_npm"
_TIMEOUT_S = 120


@dataclass(frozen=True, slots=True)
class Signed:
    """A webhook as it was received, and the secret by which it is to be verified."""

    secret: str
    headers: Mapping[str, str]
    body: bytes
    now: float | None = None
    """Clock of the receiver, in seconds since 1970, where it is not the machine's."""


def verify_with_npm(webhooks: Sequence[Signed]) -> list[str | None]:
    """Verify webhooks, in one process: for each None when its signature is valid, or the reason."""
    lines = [
        json.dumps(
            {
                "secret": each.secret,
                "headers": dict(each.headers),
                "body": each.body.decode(),
                "now": each.now,
            }
        )
        for each in webhooks
    ]
    script = copy_script(SOURCE / "verify.mjs")
    done = subprocess.run(
        ["node", str(script)],
        input="\n".join(lines),
        capture_output=True,
        text=True,
        check=True,
        timeout=_TIMEOUT_S,
    )
    return [json.loads(line) for line in done.stdout.splitlines()]
