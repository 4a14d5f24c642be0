"""The documents that are generated, and committed so that a change of contract can be seen."""
