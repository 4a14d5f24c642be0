"""Printed report of the support demo: each claim, and whether it holds."""

from dataclasses import dataclass, field

from rich.console import Console

_console = Console(width=124, highlight=False, markup=False, soft_wrap=True)


@dataclass(slots=True)
class Report:
    """Report of the claims so far."""

    held: int = 0
    wrong: list[str] = field(default_factory=list)
    """Claims that do not hold, with the value seen and the expected one."""

    def print_chapter(self, title: str) -> None:
        """Print the title of a chapter."""
        _console.print(f"\n{title}")

    def claim(self, what: str, seen: object, expected: object = True) -> None:
        """Count and print a claim, which holds when the value seen is the expected one."""
        if seen == expected:
            self.held += 1
            _console.print(f"  ✓ {what}")
            return
        self.wrong.append(f"{what} : {seen!r} au lieu de {expected!r}")
        _console.print(f"  ✗ {self.wrong[-1]}")

    def quote(self, who: str, text: str) -> None:
        """Print what a person or the platform wrote."""
        _console.print(f"      {who} : {' '.join(text.split())}")
