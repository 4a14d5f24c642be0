"""The read model in the document store, and the files that it is written to."""
