"""Owns dossiers: decides who acts next or why not, keeps audit trails, publishes states."""
