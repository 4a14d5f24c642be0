"""What the deposit reads and writes outside itself."""
