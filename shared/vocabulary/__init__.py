"""The words of the trade as types. Standard library only; no behaviour beyond validity."""
