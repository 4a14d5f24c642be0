"""Mandates: their parties, days and scope, and the rules that they keep."""
