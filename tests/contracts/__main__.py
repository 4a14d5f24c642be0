"""`python -m tests.contracts`: release what the code promises, unless it breaks what it did."""

import sys

from tests.contracts.release import RELEASED, collect_contracts, release


def main() -> None:
    """Release the contracts, or name what they break."""
    faults = release(RELEASED, collect_contracts())
    if faults:
        sys.exit("\n".join((*faults, "Nothing is released: this takes a new major version.")))


if __name__ == "__main__":
    main()
