"""Matching of URL paths by their prefix, and the route of a request as metrics label it."""

from starlette.types import Scope


class PathPrefixes:
    """Prefixes of URL paths, which end where a segment does: `/piece` does not match `/pieces`."""

    def __init__(self, *prefixes: str) -> None:
        """Take prefixes, with or without a slash at the end."""
        self._whole = frozenset(each.rstrip("/") for each in prefixes)
        self._folders = tuple(f"{each}/" for each in self._whole)

    def match(self, path: str) -> bool:
        """Tell whether a path has one of the prefixes."""
        return path in self._whole or path.startswith(self._folders)


def find_route_label(scope: Scope) -> str:
    """Find the route of a request for the labels of metrics, without the service's prefix."""
    route = getattr(scope.get("route"), "path", "unmatched")
    # The framework gives the route of a WebSocket with the prefix, and any other without.
    return route.removeprefix(scope["app"].state.prefix)
