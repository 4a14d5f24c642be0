"""What deployment says when it cannot go on."""


class LaunchError(Exception):
    """The platform cannot start. The first line of the message says why and what to do."""
