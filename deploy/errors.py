"""Errors of deployment."""


class LaunchError(Exception):
    """Launch error: the platform cannot start, go on or end. The message begins with the reason."""
