"""Owns what a structure searches: every piece of its dossiers, counted, listed, and searched."""
