"""Deposit of pieces: refuses a wrong piece at once, and certifies each piece that it stores.

Owns the deposited pieces, their files and certificates, and the numbers already used. Keeps
projections of the structures and of the state of dossiers. Publishes `travaux.piece.deposee.v1`.
"""
