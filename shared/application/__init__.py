"""What use cases of several services share: uploads and idempotency keys."""
