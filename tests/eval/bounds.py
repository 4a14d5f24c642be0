"""Figures beside what is promised of them, and those that fall short."""

from collections.abc import Callable
from operator import ge, le


class Bounds:
    """Prints figures, and remembers which were out of bounds."""

    def __init__(self) -> None:
        """Begin with none."""
        self.faults: list[str] = []

    def at_least(self, what: str, figure: float, least: float, of: int) -> None:
        """Print a share from 0 to 1 of so many, which is to be no smaller."""
        self._hold(what, figure, ge, least, f"at least {least} of {of}")

    def at_most(self, what: str, figure: float, most: float, of: int) -> None:
        """Print a share from 0 to 1 of so many, which is to be no larger."""
        self._hold(what, figure, le, most, f"at most {most} of {of}")

    def none_of(self, what: str, these: set[str]) -> None:
        """Print nothing unless there are some."""
        if these:
            self.faults.append(f"{what}: {', '.join(sorted(these))}")

    def _hold(
        self,
        what: str,
        figure: float,
        holds: Callable[[float, float], bool],
        bound: float,
        promised: str,
    ) -> None:
        line = f"{what}: {figure:.3f} ({promised})"
        print(f"  {line}")
        if not holds(figure, bound):
            self.faults.append(line)
