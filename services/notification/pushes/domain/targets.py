"""SSRF rules: which URLs and network addresses a webhook may be sent to.

A URL is judged when it is registered and at each attempt; the addresses of its name are judged at
each connection (`is_allowed`), since a name may lead elsewhere the next time.
"""

import re
from dataclasses import dataclass
from enum import StrEnum
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from urllib.parse import SplitResult, urlsplit

URL_LIMIT = 2000
"""Size limit of a URL, in characters."""
_HOST_LIMIT = 253
_PORTS = {"https": 443, "http": 80}
_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")
"""Last label of a host that resolvers read as an IPv4 address, in whatever form."""
_INTERNAL = (
    ".arpa",
    ".home",
    ".internal",
    ".lan",
    ".local",
    ".localhost",
    ".svc",
)
"""Ends of names that lead into a network of ours: of clouds, clusters (`.svc.cluster.local`),
machines. They are refused whatever address they have."""
_PATH = re.compile(r"[A-Za-z0-9\-._~:/?@!$&'()*+,;=%\[\]]*")

Address = IPv4Address | IPv6Address


class TargetFault(StrEnum):
    """Reasons to refuse a URL."""

    URL = "url"
    """It cannot be read, is too long, or holds characters that a URL escapes."""
    SCHEME = "scheme"
    USERINFO = "userinfo"
    FRAGMENT = "fragment"
    HOST = "host"
    """No host, or one that is no name and no address in its usual form."""
    PORT = "port"
    ADDRESS = "address"
    """An address that is not public, or a name that only an internal network knows."""


@dataclass(frozen=True, slots=True)
class TargetRules:
    """Rules of targets: https to public addresses, on these ports.

    Where loopback is allowed, for development and tests, a target on loopback may use http and any
    port.
    """

    ports: frozenset[int] = frozenset({443, 8443})
    allows_loopback: bool = False


@dataclass(frozen=True, slots=True)
class Target:
    """A URL that was judged, in the parts that a connection and a request need."""

    scheme: str
    host: str
    """A name in ASCII (IDNA), or an address without brackets."""
    port: int
    path: str
    """Path and query."""


def judge_url(url: str, rules: TargetRules) -> TargetFault | None:
    """Judge the URL of a webhook without looking up its name: why it is refused, if it is."""
    target = read_target(url, rules)
    return target if isinstance(target, TargetFault) else None


def read_target(url: str, rules: TargetRules) -> Target | TargetFault:
    """Parse and judge a URL.

    The request is built of these parts: no second parser may find another host in the same URL.
    """
    if len(url) > URL_LIMIT or not url.isprintable() or " " in url:
        return TargetFault.URL
    try:
        parts = urlsplit(url)
    except ValueError:
        return TargetFault.URL
    if fault := _judge_parts(url, parts):
        return fault
    host, port = _read_host(parts), _read_port(parts)
    if host is None or port is None:
        return TargetFault.PORT if host else TargetFault.HOST
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    target = Target(parts.scheme, host, port, path)
    return _judge_target(target, rules) or target


def is_allowed(address: Address, target: Target, rules: TargetRules) -> bool:
    """Whether a connection to this address, which the host of the target led to, is allowed."""
    if _unwrap(address).is_loopback:
        return rules.allows_loopback
    return is_public(address) and _judge_origin(target, rules) is None


def is_public(address: Address) -> bool:
    """Whether an address is a public unicast one, by the registries of IANA.

    `is_global` of the standard library is not enough: it is true of multicast, and of IPv6
    addresses that lead to any IPv4 address.
    """
    address = _unwrap(address)
    if isinstance(address, IPv4Address):
        return not any(address in network for network in _PRIVATE_4)
    return address in _UNICAST_6 and not any(address in network for network in _PRIVATE_6)


def _judge_parts(url: str, parts: SplitResult) -> TargetFault | None:
    if parts.scheme not in _PORTS:
        return TargetFault.SCHEME
    if "@" in parts.netloc:
        return TargetFault.USERINFO
    if "#" in url:
        return TargetFault.FRAGMENT
    if not (_PATH.fullmatch(parts.path) and _PATH.fullmatch(parts.query)):
        return TargetFault.URL
    return None


def _read_host(parts: SplitResult) -> str | None:
    """Return the host in ASCII; None when it is neither a name nor an address as usual.

    Other forms of addresses (`0x7f.1`, `2130706433`, `127.1`, `::1%lo`) are refused whatever
    address they mean.
    """
    host = parts.hostname or ""
    if len(host) > _HOST_LIMIT or "%" in host:
        return None
    if parts.netloc.startswith("["):
        # The standard library has checked what is between brackets, or it is checked here.
        return host if _parse_address(host) is not None else None
    try:
        host = host.encode("idna").decode("ascii").lower()
    except UnicodeError:
        return None
    labels = host.split(".")
    if _NUMBER.fullmatch(labels[-1]):
        return host if _parse_address(host) is not None else None
    return host if all(map(_LABEL.fullmatch, labels)) else None


def _read_port(parts: SplitResult) -> int | None:
    try:
        port = parts.port
    except ValueError:
        return None
    return _PORTS[parts.scheme] if port is None else port or None


def _judge_target(target: Target, rules: TargetRules) -> TargetFault | None:
    address = _parse_address(target.host)
    if rules.allows_loopback and _is_loopback(target.host, address):
        return None
    if fault := _judge_origin(target, rules):
        return fault
    is_outside = _is_global_name(target.host) if address is None else is_public(address)
    return None if is_outside else TargetFault.ADDRESS


def _judge_origin(target: Target, rules: TargetRules) -> TargetFault | None:
    """Judge scheme and port of a target that is not on loopback."""
    if target.scheme != "https":
        return TargetFault.SCHEME
    return None if target.port in rules.ports else TargetFault.PORT


def _is_loopback(host: str, address: Address | None) -> bool:
    return host == "localhost" if address is None else _unwrap(address).is_loopback


def _is_global_name(host: str) -> bool:
    """Whether a name is one of the public DNS: it has a dot, which resolvers else add."""
    return "." in host and not host.endswith(_INTERNAL)


def _parse_address(host: str) -> Address | None:
    try:
        return ip_address(host)
    except ValueError:
        return None


def _unwrap(address: Address) -> Address:
    """Return the IPv4 address that an IPv6 address stands for, where it does.

    An IPv4-mapped address, or the NAT64 address of an IPv4 host: the only way to it for a machine
    that has IPv6 alone.
    """
    if isinstance(address, IPv6Address) and any(address in network for network in _HOLD_IPV4):
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address


_HOLD_IPV4 = (IPv6Network("::ffff:0:0/96"), IPv6Network("64:ff9b::/96"))
_PRIVATE_4 = tuple(
    map(
        IPv4Network,
        (
            "0.0.0.0/8",
            "10.0.0.0/8",
            "100.64.0.0/10",  # shared by providers; the metadata of one cloud
            "127.0.0.0/8",
            "168.63.129.16/32",  # a public address by which one cloud serves its virtual machines
            "169.254.0.0/16",  # link-local, the metadata of most clouds
            "172.16.0.0/12",
            "192.0.0.0/24",  # protocol assignments
            "192.0.2.0/24",  # documentation
            "192.88.99.0/24",  # relays of 6to4
            "192.168.0.0/16",
            "198.18.0.0/15",  # benchmarks
            "198.51.100.0/24",  # documentation
            "203.0.113.0/24",  # documentation
            "224.0.0.0/4",  # multicast
            "240.0.0.0/4",  # reserved, broadcast
        ),
    )
)
_UNICAST_6 = IPv6Network("2000::/3")
"""All that IANA has given out as global unicast: loopback, link-local, unique local, multicast
and local NAT64 are outside."""
_PRIVATE_6 = tuple(
    map(
        IPv6Network,
        (
            "2001::/23",  # protocol assignments; Teredo, which holds IPv4 addresses
            "2001:db8::/32",  # documentation
            "2002::/16",  # 6to4, which holds IPv4 addresses
            "3fff::/20",  # documentation
        ),
    )
)
