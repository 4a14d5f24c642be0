"""Targets of webhooks: which URLs and which addresses are refused, and why (SSRF)."""

from ipaddress import ip_address

import pytest

from services.notification.pushes.domain.targets import (
    Target,
    TargetFault,
    TargetRules,
    is_allowed,
    is_public,
    judge_url,
    read_target,
)

RULES = TargetRules()
LOOPBACK = TargetRules(allows_loopback=True)
PUBLIC = "93.184.215.14"


@pytest.mark.parametrize(
    ("url", "target"),
    [
        ("https://example.org", Target("https", "example.org", 443, "/")),
        ("https://example.org/a?b=c&d", Target("https", "example.org", 443, "/a?b=c&d")),
        ("HTTPS://Example.ORG:8443/A", Target("https", "example.org", 8443, "/A")),
        ("https://example.org:/a", Target("https", "example.org", 443, "/a")),
        ("https://mairie-évry.example/", Target("https", "xn--mairie-vry-h7a.example", 443, "/")),
        (f"https://{PUBLIC}/", Target("https", PUBLIC, 443, "/")),
        ("https://[2606:4700::1111]:8443/", Target("https", "2606:4700::1111", 8443, "/")),
    ],
)
def test_a_url_is_read_into_the_parts_of_a_request(url: str, target: Target) -> None:
    assert read_target(url, RULES) == target
    assert judge_url(url, RULES) is None


@pytest.mark.parametrize(
    ("url", "fault"),
    [
        ("", "scheme"),
        ("example.org/a", "scheme"),
        ("ftp://example.org/", "scheme"),
        ("file:///etc/passwd", "scheme"),
        ("gopher://example.org/", "scheme"),
        ("http://example.org/", "scheme"),
        ("http://example.org:443/", "scheme"),
        ("https://user@example.org/", "userinfo"),
        ("https://user:word@example.org/", "userinfo"),
        ("https://@example.org/", "userinfo"),
        ("https://example.org\\@127.0.0.1/", "userinfo"),
        ("https://example.org/#", "fragment"),
        ("https://example.org/a#b", "fragment"),
        ("https:///a", "host"),
        ("https://:443/", "host"),
        ("https:example.org", "host"),
        ("https://example.org./", "host"),
        ("https://example..org/", "host"),
        ("https://-example.org/", "host"),
        ("https://exam_ple.org/", "host"),
        ("https://exam%70le.org/", "host"),
        ("https://example.org\\a/", "host"),
        (f"https://{'a' * 64}.org/", "host"),
        (f"https://{'a.' * 126}org/", "host"),
        ("https://example.org:0/", "port"),
        ("https://example.org:22/", "port"),
        ("https://example.org:80/", "port"),
        ("https://example.org:65536/", "port"),
        ("https://example.org:a/", "port"),
        ("https://example.org:-1/", "port"),
        (f"https://{PUBLIC}:9092/", "port"),
        ("https://example.org/a b", "url"),
        ("https://example.org/a\r\nX-Y: z", "url"),
        ("https://exa\tmple.org/", "url"),
        ("https://example.org/é", "url"),
        ('https://example.org/"', "url"),
        ("https://example.org/?q=é", "url"),
        ("https://[::1", "url"),
        ("https://[example.org]/", "url"),
        (f"https://example.org/{'a' * 1981}", "url"),
    ],
)
def test_a_url_that_a_webhook_may_not_have_is_refused(url: str, fault: str) -> None:
    assert judge_url(url, RULES) == TargetFault(fault)


INTERNAL = [
    "aiguillage-routing",
    "localhost",
    "metadata.google.internal",
    "imprimante.local",
    "aiguillage-routing.aiguillage.svc",
    "aiguillage-routing.aiguillage.svc.cluster.local",
    "autre.localhost",
    "1.0.0.127.in-addr.arpa",
    "routeur.home.arpa",
    "box.home",
    "BOX.LAN",
]


@pytest.mark.parametrize("host", INTERNAL)
def test_a_name_that_only_an_internal_network_knows_is_refused(host: str) -> None:
    assert judge_url(f"https://{host}/", RULES) == TargetFault.ADDRESS


@pytest.mark.parametrize("host", sorted({*INTERNAL} - {"localhost"}))
def test_loopback_allowed_allows_no_internal_name(host: str) -> None:
    assert judge_url(f"https://{host}/", LOOPBACK) == TargetFault.ADDRESS


@pytest.mark.parametrize("host", ["internal.example", "local.fr", "homelan.fr", "a.mylocal"])
def test_a_name_that_looks_like_an_internal_one_is_not(host: str) -> None:
    assert judge_url(f"https://{host}/", RULES) is None


def test_a_url_of_2000_signs_is_the_longest() -> None:
    assert judge_url(f"https://example.org/{'a' * 1980}", RULES) is None


@pytest.mark.parametrize(
    "host",
    [
        "0x7f.1",
        "0x7f000001",
        "2130706433",
        "127.1",
        "127.0.1",
        "0177.0.0.1",
        "127.0.0.01",
        "127.0.0.1.",
        "127.0.0.256",
        "1.1.1.1.1",
        "example.1",
        "example.0x",
        "[fe80::1%25eth0]",
        "[::1%lo]",
        "[2606:4700::1111%eth0]",
    ],
)
def test_an_odd_form_of_an_address_is_refused_whatever_it_means(host: str) -> None:
    assert judge_url(f"https://{host}/", LOOPBACK) in {TargetFault.HOST, TargetFault.URL}


def test_full_width_digits_are_the_address_that_a_resolver_reads() -> None:
    assert judge_url("https://127。0。0。1/", RULES) == TargetFault.ADDRESS
    assert judge_url("https://169.254.169.254/", RULES) == TargetFault.ADDRESS


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("93.184.215.14", True),
        ("1.1.1.1", True),
        ("223.255.255.255", True),
        ("0.0.0.0", False),  # noqa: S104 - nothing listens there
        ("0.1.2.3", False),
        ("10.0.0.1", False),
        ("100.63.255.255", True),
        ("100.64.0.1", False),
        ("100.100.100.200", False),
        ("100.127.255.255", False),
        ("100.128.0.1", True),
        ("127.0.0.1", False),
        ("127.255.255.255", False),
        ("168.63.129.16", False),
        ("169.254.169.254", False),
        ("172.15.255.255", True),
        ("172.16.0.1", False),
        ("172.31.255.255", False),
        ("172.32.0.1", True),
        ("192.0.0.192", False),
        ("192.0.2.1", False),
        ("192.88.99.1", False),
        ("192.168.1.1", False),
        ("198.17.255.255", True),
        ("198.18.0.1", False),
        ("198.19.255.255", False),
        ("198.51.100.1", False),
        ("203.0.113.1", False),
        ("224.0.0.1", False),
        ("239.255.255.255", False),
        ("240.0.0.1", False),
        ("255.255.255.255", False),
        ("2606:4700::1111", True),
        ("2a01:cb00::1", True),
        ("::", False),
        ("::1", False),
        ("::7f00:1", False),
        ("::ffff:127.0.0.1", False),
        ("::ffff:169.254.169.254", False),
        ("::ffff:93.184.215.14", True),
        ("::ffff:0:93.184.215.14", False),
        ("64:ff9b::127.0.0.1", False),
        ("64:ff9b::10.0.0.1", False),
        ("64:ff9b::93.184.215.14", True),
        ("64:ff9b:1::93.184.215.14", False),
        ("100::1", False),
        ("2001::1", False),
        ("2001:0:5db8:d70e::1", False),
        ("2001:10::1", False),
        ("2001:1ff::1", False),
        ("2001:200::1", True),
        ("2001:db8::1", False),
        ("2002:7f00:1::1", False),
        ("2002:5db8:d70e::1", False),
        ("3fff::1", False),
        ("5f00::1", False),
        ("fc00::1", False),
        ("fd00:ec2::254", False),
        ("fe80::1", False),
        ("fe80::1%eth0", False),
        ("fec0::1", False),
        ("ff02::1", False),
        ("ff0e::1", False),
    ],
)
def test_an_address_is_public_or_not(address: str, public: bool) -> None:
    assert is_public(ip_address(address)) is public
    host = f"[{address}]" if ":" in address else address
    if "%" not in address:
        assert (judge_url(f"https://{host}/", RULES) is None) is public


def test_loopback_is_refused_but_where_a_setting_allows_it() -> None:
    url = "http://127.0.0.1:9001/a"
    target = Target("http", "127.0.0.1", 9001, "/a")

    assert judge_url(url, RULES) == TargetFault.SCHEME
    assert judge_url("https://127.0.0.1/", RULES) == TargetFault.ADDRESS
    assert read_target(url, LOOPBACK) == target
    assert judge_url("http://[::1]:9001/", LOOPBACK) is None
    assert judge_url("http://localhost:9001/", LOOPBACK) is None
    assert not is_allowed(ip_address("127.0.0.1"), target, RULES)
    assert is_allowed(ip_address("127.0.0.1"), target, LOOPBACK)


@pytest.mark.parametrize(
    ("url", "fault"),
    [
        ("http://example.org/", "scheme"),
        ("https://example.org:9001/", "port"),
        ("https://10.0.0.1/", "address"),
        ("http://169.254.169.254/", "scheme"),
        ("https://0.0.0.0/", "address"),
        ("http://127.0.0.1:0/", "port"),
    ],
)
def test_loopback_allowed_allows_nothing_else(url: str, fault: str) -> None:
    assert judge_url(url, LOOPBACK) == TargetFault(fault)


def test_a_name_of_loopback_that_leads_elsewhere_has_no_freedom_of_scheme_or_port() -> None:
    public = ip_address(PUBLIC)

    assert not is_allowed(public, Target("http", "localhost", 80, "/"), LOOPBACK)
    assert not is_allowed(public, Target("https", "localhost", 9001, "/"), LOOPBACK)
    assert is_allowed(public, Target("https", "example.org", 443, "/"), LOOPBACK)


def test_no_address_of_a_name_may_be_private() -> None:
    target = Target("https", "example.org", 443, "/")

    assert is_allowed(ip_address(PUBLIC), target, RULES)
    for each in ("127.0.0.1", "10.1.2.3", "::1", "fd00::1", "::ffff:10.0.0.1"):
        assert not is_allowed(ip_address(each), target, RULES)
    assert not is_allowed(ip_address("10.1.2.3"), target, LOOPBACK)
