"""Training report of the `train` command: examples, duration, cross-validation."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class TrainingReport:
    """Report of a training."""

    examples: Mapping[str, int]
    """Number of examples, by sub-category of the catalogue."""
    untaught: Collection[str]
    """Sub-categories of the catalogue without an example."""
    skipped: int
    """Examples of sub-categories that the catalogue lacks."""
    seconds: float
    shares: Mapping[str, float] | None
    """Shares of right answers in cross-validation, from 0 to 1; None with too few examples."""
    file: Path
    size_bytes: int


def describe_training(learnt: TrainingReport) -> str:
    """Format the report of a training."""
    lines = [f"  {code:<15} {count:>4}" for code, count in sorted(learnt.examples.items())]
    lines.append(
        f"{sum(learnt.examples.values())} examples of {len(learnt.examples)} sub-categories, "
        f"learnt in {learnt.seconds:.1f} s"
    )
    if learnt.skipped:
        lines.append(f"{learnt.skipped} examples passed over: their sub-category is not in use")
    if learnt.untaught:
        lines.append(f"without an example, never suggested: {', '.join(sorted(learnt.untaught))}")
    if learnt.shares is None:
        lines.append("not validated: a sub-category has a single example")
    else:
        lines += [f"cross-validated, {what}: {share:.3f}" for what, share in learnt.shares.items()]
    lines.append(f"{learnt.file}: {learnt.size_bytes / 1e6:.1f} MB")
    return "\n".join(lines) + "\n"
