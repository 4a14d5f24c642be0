"""Demo of the circuits: each dossier goes to its end, through the real services."""
