"""Bodies of the HTTP requests of the virtual agent: a message."""

from services.support.access.entrypoints.requests import ClosedRequest, Text


class MessageRequest(ClosedRequest):
    """A message to the virtual agent."""

    text: Text
