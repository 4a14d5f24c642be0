"""The plumbing of every service, written once: store, outbox, inbox, broker, HTTP, health, logs.

The only package that knows Motor, aiokafka and FastStream.
"""
