"""Use cases of portal: project dossiers, search and count pieces, list what was sent, export."""
