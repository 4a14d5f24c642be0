"""Exit status of a demo, which is 130 when a signal ends it."""

import sys
from collections.abc import Callable

from deploy.errors import LaunchError
from deploy.local.demo.actor import Unexpected
from deploy.local.signals import exit_on_signals

_INTERRUPTED = 130


def exit_with_status(name: str, main: Callable[[], int]) -> None:
    """Exit with the status of `main`; print a launch error or an unexpected answer."""
    exit_on_signals(_INTERRUPTED)
    try:
        sys.exit(main())
    except LaunchError as error:
        sys.exit(f"error: {error}")
    except Unexpected as error:
        sys.exit(f"{name}: FAILED, {error}")
