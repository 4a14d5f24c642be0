"""Structures: what they declare about themselves, and the rules that a declaration keeps."""
