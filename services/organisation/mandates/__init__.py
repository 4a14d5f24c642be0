"""Mandates of a maîtrise d'ouvrage déléguée: a structure lets another act as MOA in its place.

- `domain/mandates.py`: a mandate with its file, its parties, and which mandates overlap.
- `application/mandates.py`: record, change, close, read.
- `adapters/mongo.py`: one document for each mandate, and one for each mandant.

What changes a mandate rewrites the register of its mandant, in the transaction: two changes that
would overlap are judged one after the other. Each change publishes the whole mandate, so that
deposit and routing refuse at the next request what it allows no more.
"""
