"""Free loopback ports, for programs that cannot be handed an open socket."""

import random
import socket

HOST = "127.0.0.1"
# Below the range from which systems take the ports of outgoing connections: there, a client could
# take the port of a broker that is being restarted, or a reconnect loop connect to itself.
_RANGE = range(20_000, 32_000)
_TRIES = 100


def free_port() -> int:
    """Pick a port nobody listens on. It may be taken before it is used: callers try again."""
    for port in random.sample(_RANGE, _TRIES):
        if not is_taken(port):
            return port
    raise OSError(f"none of {_TRIES} ports tried between {_RANGE.start} and {_RANGE.stop} is free")


def is_taken(port: int) -> bool:
    """Whether a listener holds the port."""
    with socket.socket() as probe:
        # As the servers do: connections that linger after a kill do not hold the port.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return True
    return False


def accepts(port: int) -> bool:
    """Whether something answers on the port."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex((HOST, port)) == 0
