"""`python -m tests.parcours` prints the log lines and the trace that docs/operate.md shows."""

import asyncio

from tests.parcours.followed import follow_dossier


async def main() -> None:
    """Carry a dossier, and print the blocks of the page."""
    async with follow_dossier() as followed:
        print(await followed.print_life())
        print(await followed.draw_trace())


if __name__ == "__main__":
    asyncio.run(main())
