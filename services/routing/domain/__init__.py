"""Decisions of routing: from a dossier, a command and the directory, the events that follow.

Pure: no clock, no store, no broker. `decide` says what happens, `evolve` what a dossier becomes;
replaying the events of a dossier gives that dossier, and never looks at the directory.
"""
