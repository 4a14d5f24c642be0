"""Free loopback ports, for programs that cannot inherit an open socket."""

import random
import socket

HOST = "127.0.0.1"
_RANGE = range(20_000, 32_000)
"""Range of the ports, below the ephemeral ones, those of outgoing connections.

Among those, a client could take the port of a broker during its restart, or connect to itself when
it reconnects.
"""
_TRIES = 100


def find_free_port() -> int:
    """Find a free port. Another program may take it before it is used: callers then retry.

    Raises OSError when none of 100 ports is free.
    """
    for port in random.sample(_RANGE, _TRIES):
        if not is_taken(port):
            return port
    raise OSError(f"none of {_TRIES} ports tried between {_RANGE.start} and {_RANGE.stop} is free")


def is_taken(port: int) -> bool:
    """Whether another program listens on the port."""
    with socket.socket() as probe:
        # The servers set it too: connections that are left after a kill do not block the port.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return True
    return False


def accepts(port: int) -> bool:
    """Whether a program accepts connections on the port."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex((HOST, port)) == 0
