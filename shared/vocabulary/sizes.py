"""Sizes of files: a megabyte, and how a sentence writes one."""

MEGABYTE = 1024 * 1024


def in_megabytes(size_bytes: int) -> str:
    """Write a size in French, in tenths of a megabyte and never less than it is."""
    whole, tenths = divmod(-(-size_bytes * 10 // MEGABYTE), 10)
    return f"{whole},{tenths} Mo" if tenths else f"{whole} Mo"
