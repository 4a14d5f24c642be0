"""The demo: both circuits, carried end to end by the real services, and what they refuse."""
