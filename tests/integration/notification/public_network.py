"""Network of its own with a public address on loopback and a name server, for one process.

    unshare --user --map-root-user --net --mount sh -c PREPARE
    python -m tests.integration.notification.public_network FOLDER

Sends webhooks by the rules of production there, and prints what came of them as JSON. The name
server is real: the machine's resolver asks it at each connection.
"""

import asyncio
import json
import shutil
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

from services.notification.pushes.adapters.webhooks import SignedMessage, WebhookSender, sign
from services.notification.pushes.domain.targets import TargetRules
from services.notification.subscriptions.adapters.secrets import create_secret
from tests.kit.webhook_receiver import WebhookReceiver

NAME = "recepteur.example"
PUBLIC, LOOPBACK, METADATA = "93.184.215.14", "127.0.0.1", "169.254.169.254"
DEAD = 40
"""Names whose name server does not answer."""
_PREPARE = (
    "ip link set lo up && ip addr add {public}/32 dev lo && ip addr add {metadata}/32 dev lo"
    " && mount --bind {folder}/resolv.conf /etc/resolv.conf"
)
_UNSHARE = ("unshare", "--user", "--map-root-user", "--net", "--mount", "sh", "-c")
_QUESTION = 12
_TYPE_A = 1


def find_missing(folder: Path) -> str | None:
    """Find why this machine gives no process a network of its own; None when it does."""
    if shutil.which("unshare") is None or shutil.which("ip") is None:
        return "no unshare or no ip here (Debian: util-linux, iproute2): no network of its own"
    done = subprocess.run(
        [*_UNSHARE, _write_preparation(folder)], capture_output=True, text=True, check=False
    )
    return f"no network of its own here: {done.stderr.strip()}" if done.returncode else None


def _write_preparation(folder: Path) -> str:
    (folder / "resolv.conf").write_text(f"nameserver {LOOPBACK}\n", encoding="ascii")
    return _PREPARE.format(public=PUBLIC, metadata=METADATA, folder=folder)


def run(folder: Path, env: Mapping[str, str], timeout_s: float) -> Mapping[str, Any]:
    """Run this module in a network of its own; return what it prints."""
    command = f"{_write_preparation(folder)} && exec {sys.executable} -m {__name__} {folder}"
    done = subprocess.run(
        [*_UNSHARE, command],
        env=dict(env), capture_output=True, text=True, check=False, timeout=timeout_s,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found: Mapping[str, Any] = json.loads(done.stdout)
    return found


class _NameServer(asyncio.DatagramProtocol):
    """Name server (DNS) that answers each question of a name by the next of its addresses."""

    def __init__(self, addresses: list[str]) -> None:
        self._addresses = addresses
        self._transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, addr: Any) -> None:  # noqa: ANN401 - asyncio's
        if b"mort" in data:
            return
        end = data.index(b"\0", _QUESTION) + 5
        is_address = int.from_bytes(data[end - 4 : end - 2], "big") == _TYPE_A
        answer = b""
        if is_address:
            address = socket.inet_aton(self._addresses.pop(0))
            answer = b"\xc0\x0c\0\x01\0\x01\0\0\0\0\0\x04" + address
        counts = bytes([0, 1, 0, int(is_address), 0, 0, 0, 0])
        assert self._transport is not None
        self._transport.sendto(data[:2] + b"\x81\x80" + counts + data[_QUESTION:end] + answer, addr)


async def _send(name: str, timeout_s: float = 20) -> str:
    """Send by a sender of its own: it has no connection, so it looks the name up."""
    body = b"{}"
    at = datetime.fromtimestamp(time.time(), UTC)
    message = SignedMessage(sign([create_secret()], "a", at, body), body)
    async with WebhookSender(TargetRules(), timeout_s) as sender:
        return (await sender.send(f"https://{name}/accept", message)).code


async def main() -> None:
    """Send to a name that turns from address to address, then beside names that are dead."""
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(Path(sys.argv[1]) / f"{NAME}.pem")
    receiver = WebhookReceiver()
    server = await receiver.serve(443, tls, [LOOPBACK, PUBLIC, METADATA])
    addresses = [PUBLIC, LOOPBACK, METADATA, *[PUBLIC] * 20]
    await asyncio.get_running_loop().create_datagram_endpoint(
        lambda: _NameServer(addresses), local_addr=(LOOPBACK, 53)
    )
    codes = [await _send(NAME) for _ in range(3)]
    connections = receiver.connections
    dead = [asyncio.create_task(_send(f"mort{rank}.example")) for rank in range(DEAD)]
    await asyncio.sleep(0)
    begin = time.perf_counter()
    beside = [await _send(NAME) for _ in range(10)]
    duration_s = time.perf_counter() - begin
    waiting = sum(not each.done() for each in dead)
    found = {
        "turning": codes,
        "connections": connections,
        "beside": beside,
        "duration_s": duration_s,
        "waiting": waiting,
        "dead": await asyncio.gather(*dead),
    }
    server.close()
    print(json.dumps(found))


if __name__ == "__main__":
    asyncio.run(main())
