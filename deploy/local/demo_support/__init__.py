"""Demo of support: tickets, virtual agent and chat; each claim that it prints is checked."""
