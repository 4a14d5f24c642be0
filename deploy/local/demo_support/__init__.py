"""Demo of support: tickets, virtual agent and chat; every claim is checked."""
