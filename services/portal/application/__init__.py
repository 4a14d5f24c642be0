"""Use cases: project the states of dossiers, search them, count them, list what was sent."""
