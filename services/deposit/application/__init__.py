"""Use cases of deposit: try out and take a deposit; complete, show and prefill a piece."""
