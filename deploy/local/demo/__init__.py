"""The demo: every circuit, carried to its end by the real services, by hand or by silence."""
