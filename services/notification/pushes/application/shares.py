"""Fair shares: concurrency limit of what structures do at the same time in a process."""

from collections import Counter


class FairShares:
    """Concurrency limit that no structure can use up.

    Nobody holds more slots than are left free: one structure has half of them at most, the next
    half of the rest, and there is always one for a structure that holds none.
    """

    def __init__(self, limit: int) -> None:
        """Share so many slots."""
        self._limit = limit
        self._held: Counter[str] = Counter()

    def take(self, structure: str) -> bool:
        """Take a slot for a structure; False when it holds its share."""
        if self._held[structure] >= self._limit - self._held.total():
            return False
        self._held[structure] += 1
        return True

    def give_back(self, structure: str) -> None:
        """Give back a slot that was taken."""
        self._held[structure] -= 1
        self._held += Counter()  # forgets who holds none
