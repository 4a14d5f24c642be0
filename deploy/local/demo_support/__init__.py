"""Demo of support: tickets, virtual agent and chat, with each claim checked."""
