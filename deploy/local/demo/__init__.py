"""Demo of routing: each dossier goes to its end, through the real services."""
