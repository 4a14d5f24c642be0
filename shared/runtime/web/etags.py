"""Versions over HTTP: `ETag` says which one was read, `If-Match` which one may be replaced."""

from collections.abc import Callable
from typing import Annotated

from fastapi import Depends, Header


def etag(version: int) -> str:
    """Write a version as a tag (RFC 9110, 8.8.3)."""
    return f'"{version}"'


def precondition(
    if_match: Annotated[str | None, Header(description="ETag de la version lue.")] = None,
) -> Callable[[int], bool]:
    """Read `If-Match`: gives what tells whether a version may be replaced.

    Without it any may; 0 stands for what is not there.
    """
    if if_match is None:
        return lambda _: True
    tags = {tag.strip() for tag in if_match.split(",")}
    return lambda version: version > 0 and not tags.isdisjoint({"*", etag(version)})


Matching = Annotated[Callable[[int], bool], Depends(precondition)]
