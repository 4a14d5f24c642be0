"""`python -m tests.contracts`: release what the code promises, unless it breaks what it did."""

import sys

from tests.contracts.release import RELEASED, current, release


def main() -> None:
    """Release the contracts, or name what they break."""
    faults = release(RELEASED, current())
    if faults:
        sys.exit("\n".join((*faults, "Nothing is released: this takes a new major version.")))


if __name__ == "__main__":
    main()
