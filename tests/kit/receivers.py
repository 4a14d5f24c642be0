"""OTLP receiver in a process of its own, and the client that reads its spans."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx

from deploy.local.ports import HOST, find_free_port
from deploy.local.programs import ROOT

Seen = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Receiver:
    """HTTP client of a receiver."""

    endpoint: str

    async def list_spans(self, correlation_id: str | None = None) -> list[Seen]:
        """Read the received spans: all, or those of a trace."""
        async with httpx.AsyncClient(base_url=self.endpoint) as http:
            found: list[Seen] = (await http.get("/spans")).json()
        wanted = correlation_id and correlation_id.replace("-", "")
        return [each for each in found if wanted in {None, each["trace"]}]

    async def draw(self, dossier_id: str) -> str:
        """Read the trace of a dossier, drawn as a tree."""
        async with httpx.AsyncClient(base_url=self.endpoint) as http:
            return (await http.get(f"/traces/{dossier_id}")).text


@contextmanager
def run_receiver() -> Iterator[Receiver]:
    """Run a receiver within the block."""
    port = find_free_port()
    command = [sys.executable, "-m", "tests.kit.otlp_receiver", str(port)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
            yield Receiver(f"http://{HOST}:{port}")
        finally:
            process.kill()
