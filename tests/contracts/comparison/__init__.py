"""Comparison of two versions of a contract: finds the changes that break its readers."""
