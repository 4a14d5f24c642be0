"""ETag and If-Match headers: optimistic concurrency by the version that was read."""

from collections.abc import Callable
from typing import Annotated

from fastapi import Depends, Header


def format_etag(version: int) -> str:
    """Format a version as an entity tag (RFC 9110, 8.8.3)."""
    return f'"{version}"'


def parse_if_match(
    if_match: Annotated[str | None, Header(description="ETag de la version lue.")] = None,
) -> Callable[[int], bool]:
    """Parse `If-Match` into a predicate: whether a version may be replaced.

    Without the header any version may. Version 0 means that nothing exists yet.
    """
    if if_match is None:
        return lambda _: True
    tags = {tag.strip() for tag in if_match.split(",")}
    return lambda version: version > 0 and not tags.isdisjoint({"*", format_etag(version)})


Matching = Annotated[Callable[[int], bool], Depends(parse_if_match)]
