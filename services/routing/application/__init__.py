"""Use cases of routing: take and treat pieces, release held dossiers, show, verify."""
