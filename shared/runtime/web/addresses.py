"""Client address, by which limits count: an IPv4 address, or the /64 of an IPv6 address."""

from collections.abc import Iterable, Sequence
from contextlib import suppress
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address

from starlette.requests import HTTPConnection

_OF_A_HOST = 64
"""Bits of an IPv6 address that a client cannot choose: a site has at least a /64 (RFC 6177)."""


def read_address(connection: HTTPConnection) -> str:
    """Read the address of a client: its IPv4 address, or the /64 network of its IPv6 address.

    Empty when the server knows no address. It is the address of the connection, unless a proxy
    named in the settings gives another.
    """
    return group_address(connection.client.host if connection.client else "")


def read_client(connection: HTTPConnection, proxies: Sequence[IPv4Network | IPv6Network]) -> str:
    """Read the address of a client, as `read_address`; empty for a proxy that names no client."""
    host = connection.client.host if connection.client else ""
    return "" if is_within(host, proxies) else read_address(connection)


def group_address(host: str) -> str:
    """Reduce an IPv6 address to its /64 network; any other text stays as it is."""
    try:
        address = ip_address(host)
    except ValueError:
        return host
    if not isinstance(address, IPv6Address):
        return host
    if address.ipv4_mapped:
        return str(address.ipv4_mapped)
    return str(IPv6Network((int(address), _OF_A_HOST), strict=False))


def is_within(host: str, networks: Iterable[IPv4Network | IPv6Network]) -> bool:
    """Tell whether a host is an address of one of the networks."""
    with suppress(ValueError):
        address = ip_address(host)
        return any(address in network for network in networks)
    return False
