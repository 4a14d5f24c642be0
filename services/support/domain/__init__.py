"""What the rules of support are: pure."""
