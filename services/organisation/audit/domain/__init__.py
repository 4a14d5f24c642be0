"""An entry of the audit trail."""
