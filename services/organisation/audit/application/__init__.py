"""Acts that are told in the audit trail, and the port of their transaction."""
