"""Public URL paths: the prefix and version under which each service serves its routes.

A gateway routes a request by the first segment of its path, the service's name, and does not change
the path. So the links in answers are correct behind any gateway.
"""

from urllib.parse import quote

_VERSION = "v1"


def build_public_prefix(service: str) -> str:
    """Build the path prefix of all public routes of a service: `/deposit/v1`."""
    return f"/{service}/{_VERSION}"


def build_public_path(service: str, *segments: str | int) -> str:
    """Build the link to a route of a service, each segment percent-encoded."""
    return "/".join(
        [build_public_prefix(service), *(quote(str(each), safe="") for each in segments)]
    )
