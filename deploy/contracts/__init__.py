"""What was promised to whoever reads the topics, and what would break that promise."""
