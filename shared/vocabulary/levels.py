"""Level of a version: the newest statuses, circuits, event types and stored shapes that it judges.

Versions of the platform run side by side during an upgrade. A version judges every level up to its
own. It writes values of its own level only once an operator has set `AIGUILLAGE_WRITE_LEVEL`: the
version before could not judge them.
"""

LEVEL = 2
"""The highest level that this version judges."""

WRITE_LEVEL = max(1, LEVEL - 1)
"""The level written when no operator has set one: that of the version before."""

LEVEL_OF_MANDATES = 2
"""Level from which mandates, the facture de régularisation, checks by a sheet and reminders are
written: the version before neither judges their events nor keeps the files of mandates."""
