"""The circuit of a works dossier as versioned data, and the pure functions that read it.

Deposit and routing judge by the same table, so that what one accepts the other routes.
"""
