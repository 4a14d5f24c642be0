"""Use cases shared by several services: uploads, idempotency keys, audit chains and mails."""
