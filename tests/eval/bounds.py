"""Bounds of the figures of an evaluation, and the figures that are out of bounds."""

from collections.abc import Callable
from operator import ge, le


class Bounds:
    """Prints figures, and keeps those that are out of bounds."""

    def __init__(self) -> None:
        """Start without faults."""
        self.faults: list[str] = []

    def check_at_least(self, what: str, figure: float, least: float, of: int) -> None:
        """Print a share, from 0 to 1, of `of` cases; it is a fault below `least`."""
        self._check(what, figure, ge, least, f"at least {least} of {of}")

    def check_at_most(self, what: str, figure: float, most: float, of: int) -> None:
        """Print a share or a number of `of` cases; it is a fault above `most`."""
        self._check(what, figure, le, most, f"at most {most} of {of}")

    def check_none(self, what: str, these: set[str]) -> None:
        """Record a fault unless `these` is empty."""
        if these:
            self.faults.append(f"{what}: {', '.join(sorted(these))}")

    def _check(
        self,
        what: str,
        figure: float,
        holds: Callable[[float, float], bool],
        bound: float,
        promised: str,
    ) -> None:
        line = f"{what}: {figure:.3g} ({promised})"
        print(f"  {line}")
        if not holds(figure, bound):
            self.faults.append(line)
