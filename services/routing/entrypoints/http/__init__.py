"""The HTTP routes of routing: parse, call, answer."""
