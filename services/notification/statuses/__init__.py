"""History of statuses, kept for ever: read, followed live (SSE), and read forward from a mark.

- `domain/entry.py`: a status of a piece, and who may see it.
- `application/history.py`: the history of a dossier or of a piece, and live.
- `adapters/mongo.py`: its store; `adapters/marking.py`: the order in which each party reads.
- `entrypoints/answers.py`: what is shown of a status, on every channel.
"""
