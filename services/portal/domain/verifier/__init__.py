"""The verifier of an export, a program in one file, and its read-me."""
