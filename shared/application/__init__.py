"""Use cases shared by several services: uploads and idempotency keys."""
