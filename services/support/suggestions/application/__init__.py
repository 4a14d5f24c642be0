"""The use cases of suggestions and their ports."""
