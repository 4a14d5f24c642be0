"""Report of a load of SIRENE, as text for a terminal."""

from services.organisation.structures.application.sirene_load import LoadReport, NamedCount


def format_progress(report: LoadReport) -> str:
    """Format where a load has come to, in one line."""
    return f"{report.lines} lines, {sum(report.bad.values())} bad"


def format_report(report: LoadReport, *, dry_run: bool) -> str:
    """Format a report; it says first that a dry run wrote nothing."""
    lines = [
        *(["dry run: nothing was written"] if dry_run else []),
        f"{report.lines} lines",
        f"{report.new} new establishments, {report.changed} changed, {report.closed} closed",
        f"{report.updated} structures follow",
        *_name("made inactive, as the establishment is closed", report.deactivated),
        *_name("inactive, and the establishment is open again: to be judged", report.reopened),
        *(f"line {bad.number}: {bad.reason}" for bad in report.named),
        *(f"{count} bad lines: {reason}" for reason, count in sorted(report.bad.items())),
    ]
    return "\n".join(lines)


def _name(what: str, structures: NamedCount) -> list[str]:
    if not structures.count:
        return []
    more = structures.count - len(structures.names)
    names = ", ".join(structures.names) + (f", and {more} more" if more else "")
    return [f"{structures.count} structures {what}: {names}"]
