"""Store of the audit trail."""
