"""How the world reaches routing: topics, timers, HTTP."""
