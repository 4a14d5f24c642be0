"""Access control of running services: bad tokens, rights that go, live streams that end."""
