"""Adapters of routing: store of dossiers and audit trails, and the other services over HTTP."""
