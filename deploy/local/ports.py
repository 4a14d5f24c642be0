"""Free loopback ports, for programs that cannot inherit an open socket."""

import random
import socket

HOST = "127.0.0.1"
# Below the range of ports of outgoing connections: in that range, a client could take the port of a
# broker during its restart, or a reconnecting client could connect to itself.
_RANGE = range(20_000, 32_000)
_TRIES = 100


def find_free_port() -> int:
    """Find a free port. Another program may take it before it is used: callers then retry."""
    for port in random.sample(_RANGE, _TRIES):
        if not is_taken(port):
            return port
    raise OSError(f"none of {_TRIES} ports tried between {_RANGE.start} and {_RANGE.stop} is free")


def is_taken(port: int) -> bool:
    """Tell whether a listener holds the port."""
    with socket.socket() as probe:
        # As the servers do: connections left after a kill do not block the port.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return True
    return False


def accepts(port: int) -> bool:
    """Tell whether something accepts connections on the port."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex((HOST, port)) == 0
