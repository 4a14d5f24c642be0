"""Breaks of a contract, each as a sentence: of what, where, what changed, for whom."""

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

_MAJOR = re.compile(r"(?P<stem>.+)[./]v(?P<major>\d+)")
_NAMED_AT_MOST = 3


@dataclass(frozen=True, slots=True)
class Break:
    """Break of a contract: of which event, topic or operation, where in it, what, for whom."""

    of: str
    what: str
    whom: str
    path: str = ""

    def __str__(self) -> str:
        """Describe the break in a sentence."""
        where = f"{self.of} {self.path}".strip()
        return f"{where}: {self.what}; {self.whom}."


def gather(found: Iterable[Break]) -> Iterator[Break]:
    """Merge equal breaks of several events or operations: a field of the envelope is in all."""
    alike: dict[Break, list[str]] = {}
    for each in found:
        alike.setdefault(replace(each, of=""), []).append(each.of)
    for each, names in alike.items():
        shown, others = names[:_NAMED_AT_MOST], len(names[_NAMED_AT_MOST:])
        yield replace(each, of=", ".join(shown) + (f" and {others} more" if others else ""))


def compare_values(
    of: str, what: str, was: object, now: object, whom: str, path: str = ""
) -> Iterator[Break]:
    """Yield a break when a value has changed."""
    if was != now:
        shown = f"from {json.dumps(was)} to {json.dumps(now)}"
        yield Break(of, f"its {what} changed {shown}", whom, path)


def has_successor(name: str, kept: Iterable[str]) -> bool:
    """Whether `kept` has a later major version of a name, to which readers could move."""
    old = _MAJOR.fullmatch(name)
    found = [match for each in kept if (match := _MAJOR.fullmatch(each))]
    return old is not None and any(
        each["stem"] == old["stem"] and int(each["major"]) > int(old["major"]) for each in found
    )
