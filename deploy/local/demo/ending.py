"""How a demo ends, by itself or on request, with an exit status either way."""

import sys
from collections.abc import Callable

from deploy.errors import LaunchError
from deploy.local.demo.actor import Unexpected
from deploy.local.signals import exit_on_signals

_INTERRUPTED = 130


def exit_by(name: str, main: Callable[[], int]) -> None:
    """Exit with the status of `main`, or name what it could not launch or did not expect."""
    exit_on_signals(_INTERRUPTED)
    try:
        sys.exit(main())
    except LaunchError as error:
        sys.exit(f"error: {error}")
    except Unexpected as error:
        sys.exit(f"{name}: FAILED, {error}")
