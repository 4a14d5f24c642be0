"""`make authz`: every endpoint is called by every kind of caller, on services that run.

What is expected is in `expected.csv`, written by hand from the issue and the documents, and never
read from the table of rights that it checks.
"""
