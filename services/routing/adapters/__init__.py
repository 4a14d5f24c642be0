"""The store of routing: dossiers as they stand, their audit trails, a copy of the directory."""
