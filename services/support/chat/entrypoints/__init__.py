"""HTTP routes, WebSockets and periodic tasks of the chat."""
