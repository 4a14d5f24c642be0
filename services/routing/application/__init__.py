"""Use cases of routing: take pieces, treat them, release what was held, show and verify."""
