"""Sizes of files: the megabyte, and its format in a sentence."""

MEGABYTE = 1024 * 1024


def format_megabytes(size_bytes: int) -> str:
    """Format a size in French, in tenths of a megabyte, rounded up."""
    whole, tenths = divmod(-(-size_bytes * 10 // MEGABYTE), 10)
    return f"{whole},{tenths} Mo" if tenths else f"{whole} Mo"
