"""Adapters of deposit: document store, readers of e-invoices, certificates."""
