"""Sub-categories suggested for a text by a small model, and the training of that model."""
