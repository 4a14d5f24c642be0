"""Adapters of suggestions: the model, its file and its examples."""
