"""The HTTP interface of deposit: parse, call, answer."""
