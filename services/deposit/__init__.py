"""Takes pieces in: refuses at once what can be refused, and certifies the rest as deposited.

Owns the pieces as deposited, their files and certificates, the numbers already spent. Projects the
structures and the state of dossiers. Publishes `travaux.piece.deposee.v1`.
"""
