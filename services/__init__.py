"""The services of the platform. None imports another: what they share travels as messages."""
