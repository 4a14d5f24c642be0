"""Deposits pieces: refuses at once what can be refused, certifies what is kept.

Owns the pieces as deposited, their files and certificates, the numbers already spent. Projects the
structures and the state of dossiers. Publishes `travaux.piece.deposee.v1`.
"""
