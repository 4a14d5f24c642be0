"""Use cases of pushes: send what waits, read the log, send again, replay."""
