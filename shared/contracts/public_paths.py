"""Public URL paths: the prefix and version under which each service serves its routes.

A gateway routes a request by the first segment of its path, the service's name, and leaves the
path as it is. So the links in answers are right whatever stands in front.
"""

from urllib.parse import quote

_VERSION = "v1"


def public_prefix(service: str) -> str:
    """Give the path prefix of all public routes of a service: `/deposit/v1`."""
    return f"/{service}/{_VERSION}"


def public_path(service: str, *segments: str | int) -> str:
    """Give the link to a route of a service, each segment percent-encoded."""
    return "/".join([public_prefix(service), *(quote(str(each), safe="") for each in segments)])
