"""HTTP routes and terminal output of the virtual agent."""
