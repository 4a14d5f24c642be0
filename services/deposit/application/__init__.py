"""What deposit does: try a deposit out, take it, complete a piece, show one, prefill the next."""
