"""Generators of the documents in `docs` that come from the code: OpenAPI, AsyncAPI and Markdown.

What they write is committed, so that a review shows what a change of code does to a document.
They import every service, so they live in neither `shared` nor `services`, and in no image.
"""
