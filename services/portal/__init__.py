"""Owns the read model of pieces: search, dashboard, fiscal list, export of a dossier."""
