"""Owns the history of statuses, and shows it to the parties of a dossier, over HTTP and live."""
