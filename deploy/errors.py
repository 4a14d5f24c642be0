"""Errors of deployment."""


class LaunchError(Exception):
    """Launch error: the platform cannot start. The first line says why and what to do."""
