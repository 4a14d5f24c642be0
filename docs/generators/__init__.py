"""Generators of the documents in `docs` that come from the code: OpenAPI, AsyncAPI and Markdown.

The documents are committed, so that a review shows how a change of code changes them. The
generators import every service, so they are neither in `shared` nor in `services`, and in no image.
"""
