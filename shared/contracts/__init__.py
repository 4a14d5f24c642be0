"""What travels: the envelope, the topics, a module of payloads per owner and major version."""
