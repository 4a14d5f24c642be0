"""Messages in and out: broker, inbox, outbox, projections, dead letters.

Promises: a message that was published is handled at least once and has one effect; messages of one
dossier take effect in order; what cannot be handled becomes a dead letter and holds up its dossier
alone; what is committed is published, in order of each key.
"""
