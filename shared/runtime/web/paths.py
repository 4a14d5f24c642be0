"""Matching of URL paths by prefix, and the route label of a request in metrics."""

from starlette.types import Scope


class PathPrefixes:
    """Prefixes of URL paths, matched by whole segments: `/piece` does not match `/pieces`."""

    def __init__(self, *prefixes: str) -> None:
        """Take prefixes, with or without a slash at the end."""
        self._whole = frozenset(each.rstrip("/") for each in prefixes)
        self._folders = tuple(f"{each}/" for each in self._whole)

    def match(self, path: str) -> bool:
        """Tell whether a path has one of the prefixes."""
        return path in self._whole or path.startswith(self._folders)


def find_route_label(scope: Scope) -> str:
    """Find the route of a request, without the service's prefix, as a label of metrics.

    `unmatched` for a request without a route.
    """
    route = getattr(scope.get("route"), "path", "unmatched")
    # In the framework, the route of a WebSocket has the prefix, and any other route has not.
    return route.removeprefix(scope["app"].state.prefix)
