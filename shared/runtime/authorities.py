"""Certificate authorities (TLS) that are trusted by clients of servers outside the platform."""

import ssl
from functools import cache

import certifi


@cache
def load_authorities() -> ssl.SSLContext:
    """Load the authorities of the machine (`SSL_CERT_FILE` names others), and Mozilla's."""
    trusted = ssl.create_default_context()
    trusted.load_verify_locations(certifi.where())
    return trusted
