"""Use cases of deposit: try a deposit out, take it, complete a piece, show one, prefill one."""
