"""Errors of deployment."""


class LaunchError(Exception):
    """The platform cannot start, go on or end. The first line of the message is the reason."""
