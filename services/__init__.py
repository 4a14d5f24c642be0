"""The services of the platform. None imports another: they exchange messages,
and a few HTTP requests."""
