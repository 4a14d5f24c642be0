"""Printed report of the demo: each claim, and whether it holds."""

from dataclasses import dataclass, field

from rich.console import Console

_console = Console(width=124, highlight=False, markup=False, soft_wrap=True)


@dataclass(slots=True)
class Report:
    """The claims so far."""

    held: int = 0
    wrong: list[str] = field(default_factory=list)
    """What was claimed and did not hold, with what was seen."""

    def chapter(self, title: str) -> None:
        """Begin a part."""
        _console.print(f"\n{title}")

    def claim(self, what: str, seen: object, expected: object = True) -> None:
        """Show a claim, and whether what was seen is what it says."""
        if seen == expected:
            self.held += 1
            _console.print(f"  ✓ {what}")
            return
        self.wrong.append(f"{what} : {seen!r} au lieu de {expected!r}")
        _console.print(f"  ✗ {self.wrong[-1]}")

    def quote(self, who: str, text: str) -> None:
        """Show something said."""
        _console.print(f"      {who} : {' '.join(text.split())}")
